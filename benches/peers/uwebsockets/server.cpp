// uWebSockets, as its examples use it. Arguments as of the other servers: --addr, --work, --batch (not needed), --deflate.

#include "App.h"

#include <cstring>
#include <iostream>
#include <string>

struct Nothing {};
using Socket = uWS::WebSocket<false, true, Nothing>;

int main(int count, char **arguments) {
    std::string host = "127.0.0.1";
    int port = 9000;
    bool broadcast = false, deflate = false;
    for (int i = 1; i < count; i++) {
        std::string argument = arguments[i];
        if (argument == "--addr") {
            std::string addr = arguments[++i];
            host = addr.substr(0, addr.find(':'));
            port = std::stoi(addr.substr(addr.find(':') + 1));
        } else if (argument == "--work") {
            broadcast = !std::strcmp(arguments[++i], "broadcast");
        } else if (argument == "--deflate") {
            deflate = true;
        } else if (argument == "--batch") {
            i++;
        }
    }
    uWS::App app;
    app.ws<Nothing>("/*", {
        // A compressor of its own for each connection takes its context over.
        .compression = deflate ? uWS::CompressOptions(uWS::DEDICATED_COMPRESSOR | uWS::SHARED_DECOMPRESSOR) : uWS::DISABLED,
        .maxPayloadLength = 16 * 1024 * 1024,
        .idleTimeout = 120,
        .maxBackpressure = 64 * 1024 * 1024,
        .open = [broadcast](Socket *socket) {
            if (broadcast) socket->subscribe("all");
        },
        .message = [&app, broadcast, deflate](Socket *socket, std::string_view message, uWS::OpCode code) {
            // Of the socket, `publish` would leave out the sender.
            if (broadcast) app.publish("all", message, code, false);
            else socket->send(message, code, deflate);
        },
    });
    app.listen(host, port, [](auto *listening) {
        if (!listening) std::cerr << "can't listen" << std::endl;
    });
    app.run();
}
