// Starts the server in a worker. Where there can be none, it runs in the page.

import { serve } from "./server.js";

/** Return a function that sends messages to a server, whose answers go to `receive`. */
export function startServer(receive) {
  try {
    const worker = newWorker();
    worker.onmessage = ({ data }) => receive(data);
    return (message) => worker.postMessage(message);
  } catch {
    const server = serve((message) => receive(message));
    return (message) => setTimeout(server, 0, structuredClone(message));
  }
}

/** A worker made of the page's own text, so that it starts from a disk as well. */
function newWorker() {
  const text = `${document.getElementById("engine").textContent}\n`
    + "const server = modules.server.serve((message) => postMessage(message));\n"
    + "onmessage = ({ data }) => server(data);";
  return new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
}
