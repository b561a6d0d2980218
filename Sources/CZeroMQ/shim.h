#include <sys/eventfd.h>
#include <sys/socket.h>
#include <zmq.h>

// Values that Swift does not import as they stand.
enum {
    shoal_send_now = ZMQ_DONTWAIT,
    shoal_send_now_more = ZMQ_DONTWAIT | ZMQ_SNDMORE,
    shoal_socket_cookie = SO_COOKIE,
    shoal_context_terminated = ETERM,
};
