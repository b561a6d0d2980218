#include "CDashboard.h"

// #embed is C23; the package is C17, where clang takes it as an extension and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char page[] = {
#embed "files/dashboard.html"
};
static const unsigned char style[] = {
#embed "files/dashboard.css"
};
static const unsigned char format[] = {
#embed "files/format.js"
};
static const unsigned char service[] = {
#embed "files/service.js"
};
static const unsigned char chart[] = {
#embed "files/chart.js"
};
static const unsigned char summary[] = {
#embed "files/summary.js"
};
static const unsigned char fleet[] = {
#embed "files/fleet.js"
};
static const unsigned char dashboard[] = {
#embed "files/dashboard.js"
};

static const shoal_dashboard_file files[] = {
    {"dashboard.html", page, sizeof page},       {"dashboard.css", style, sizeof style},
    {"format.js", format, sizeof format},        {"service.js", service, sizeof service},
    {"chart.js", chart, sizeof chart},           {"summary.js", summary, sizeof summary},
    {"fleet.js", fleet, sizeof fleet},           {"dashboard.js", dashboard, sizeof dashboard},
};

size_t shoal_dashboard_file_count(void) { return sizeof files / sizeof files[0]; }

shoal_dashboard_file shoal_dashboard_file_at(size_t index) { return files[index]; }
