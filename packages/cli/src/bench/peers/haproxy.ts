import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK } from "../ports.ts";
import { findProgram, readProgramVersion } from "../programs.ts";
import { PEER_CONNECTIONS_MAX, PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";
import { backendPortOf, type Peer, type PeerSetup } from "./peer.ts";

/** HAProxy with one thread. */
export const HAPROXY: Peer = {
  name: "HAProxy",
  findVersion: () => readProgramVersion("haproxy", "-v"),
  serves: () => true,
  prepare(setup) {
    const config = join(setup.folder, "haproxy.cfg");
    writeFileSync(config, renderHaproxy(setup));
    return { name: "HAProxy", command: findProgram("haproxy") ?? "haproxy", args: ["-db", "-f", config] };
  },
};

/** `no strict-limits`: HAProxy would ask for two files per connection, and idle connections need one. */
function renderHaproxy(setup: PeerSetup): string {
  const { listenPort, path, certificate } = setup;
  const bind = {
    http1: "",
    http2: " proto h2",
    "tls-http2": ` ssl crt ${certificate.combinedPath} alpn h2 ssl-min-ver TLSv1.3`,
  }[path.downstream];
  const server = path.upstream === "http2" ? " proto h2" : "";
  return `global
  nbthread 1
  maxconn ${PEER_CONNECTIONS_MAX}
  no strict-limits
defaults
  mode http
  no log
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
frontend front
  bind ${LOOPBACK}:${listenPort}${bind} backlog 4096
  default_backend back
backend back
  fullconn ${PEER_CONNECTIONS_MAX}
  server one ${LOOPBACK}:${backendPortOf(setup)}${server} pool-max-conn ${PEER_IDLE_UPSTREAM_MAX} pool-purge-delay 1h
`;
}
