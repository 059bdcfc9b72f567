import { moduleUrl } from "../../module-url.ts";
import { fileURLToPath } from "node:url";
import type { Launch } from "../program-group.ts";
import { backendPortOf, type Peer, type PeerSetup } from "./peer.ts";

/** The standard library's HTTP/1.1 stack on the Node that runs this. */
export const NODE_HTTP: Peer = {
  name: "node:http",
  findVersion: () => Promise.resolve(process.versions.node),
  serves: ({ downstream, upstream }) => downstream === "http1" && upstream === "http1",
  prepare: (setup) => prepareNode("node:http", "./node-http-entry.ts", [], setup),
};

/** The standard library's HTTP/2 stack on the Node that runs this; to an HTTP/1.1 backend it speaks by node:http. */
export const NODE_HTTP2: Peer = {
  name: "node:http2",
  findVersion: () => Promise.resolve(process.versions.node),
  serves: ({ downstream }) => downstream !== "http1",
  prepare(setup) {
    const { path, certificate } = setup;
    const tls = path.downstream === "tls-http2" ? [certificate.certificatePath, certificate.keyPath] : [];
    return prepareNode("node:http2", "./node-http2-entry.ts", [path.upstream, ...tls], setup);
  },
};

function prepareNode(name: string, module: string, args: readonly string[], setup: PeerSetup): Launch {
  const ports = [String(setup.listenPort), String(backendPortOf(setup))];
  return { name, ...launchModule(module, import.meta.url, [...ports, ...args]) };
}

/** How to run a module of this package, given as in an import, in a process of its own. */
export function launchModule(path: string, base: string, args: readonly string[]): Omit<Launch, "name"> {
  const module = moduleUrl(path, base);
  // The source of other rooms is found under a condition of its own; a published package has no source.
  const conditions = module.pathname.endsWith(".ts") ? ["-C", "source"] : [];
  return { command: process.execPath, args: [...conditions, fileURLToPath(module), ...args] };
}
