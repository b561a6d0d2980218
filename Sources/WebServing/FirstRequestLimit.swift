internal import NIOCore

/// Closes a connection whose first request has not come in time: half-sent ones would keep all places taken.
final class FirstRequestLimit: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    private let limit: TimeAmount
    private var end: Scheduled<Void>?

    /// - Parameter limit: From the connection's beginning to the end of the first request's head.
    init(_ limit: TimeAmount) { self.limit = limit }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        end = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end?.cancel() }

    /// What the decoder lets through first is a whole head.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        end?.cancel()
        end = nil
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        end?.cancel()
        context.fireChannelInactive()
    }
}
