import { moduleUrl } from "../../module-url.ts";
import { fileURLToPath } from "node:url";
import type { Launch } from "../program-group.ts";
import { backendPortOf, type Peer, type PeerSetup } from "./peer.ts";

/** The standard library's HTTP/1.1 stack on the Node that runs this. */
export const NODE_HTTP: Peer = {
  name: "node:http",
  findVersion: () => Promise.resolve(process.versions.node),
  serves: ({ downstream, upstream }) => downstream === "http1" && upstream === "http1",
  prepare: (setup) => prepareNode("node:http", new URL("./node-http-entry.ts", import.meta.url), [], setup),
};

/** The standard library's HTTP/2 stack on the Node that runs this; to an HTTP/1.1 backend it speaks by node:http. */
export const NODE_HTTP2: Peer = {
  name: "node:http2",
  findVersion: () => Promise.resolve(process.versions.node),
  serves: ({ downstream }) => downstream !== "http1",
  prepare(setup) {
    const { path, certificate } = setup;
    const tls = path.downstream === "tls-http2" ? [certificate.certificatePath, certificate.keyPath] : [];
    const module = new URL("./node-http2-entry.ts", import.meta.url);
    return prepareNode("node:http2", module, [path.upstream, ...tls], setup);
  },
};

function prepareNode(name: string, module: URL, args: readonly string[], setup: PeerSetup): Launch {
  const ports = [String(setup.listenPort), String(backendPortOf(setup))];
  return { name, ...launchModule(module, [...ports, ...args]) };
}

/** How to run a module of this package in a process of its own. The URL ends in ".ts", as in the source. */
export function launchModule(module: URL, args: readonly string[]): Omit<Launch, "name"> {
  const own = moduleUrl(module.href, import.meta.url);
  // The source of other rooms is found under a condition of its own; a published package has no source.
  const conditions = own.pathname.endsWith(".ts") ? ["-C", "source"] : [];
  return { command: process.execPath, args: [...conditions, fileURLToPath(own), ...args] };
}
