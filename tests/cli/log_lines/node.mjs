// What ws, undici, websocket and faye-websocket say as clients: node node.mjs LIBRARY URL
// A library is found in the node_modules of the current directory.
import { createRequire } from "node:module";

const require = createRequire(process.cwd() + "/");
const [library, url] = process.argv.slice(2);

function onEvents(socket) {
  socket.onopen = () => socket.send("ready");
  socket.onerror = (event) =>
    console.log(`onerror ${event.message ?? ""} ${event.error ?? ""}`.trim());
  socket.onclose = ({ code, reason, wasClean }) =>
    console.log(`onclose ${JSON.stringify({ code, reason, wasClean })}`);
}

const clients = {
  ws() {
    const WebSocket = require("ws");
    const socket = new WebSocket(url);
    socket.on("open", () => socket.send("ready"));
    socket.on("error", (error) => console.log(error));
    socket.on("close", (code, reason) => console.log(`close ${code} ${reason}`));
  },
  undici() {
    onEvents(new (require("undici").WebSocket)(url));
  },
  "faye-websocket"() {
    onEvents(new (require("faye-websocket").Client)(url));
  },
  websocket() {
    const client = new (require("websocket").client)();
    client.on("connect", (connection) => {
      connection.on("error", (error) => console.log(error.toString()));
      connection.on("close", (code, reason) => console.log(`close ${code}: ${reason}`));
      connection.sendUTF("ready");
    });
    client.connect(url);
  },
};
clients[library]();
