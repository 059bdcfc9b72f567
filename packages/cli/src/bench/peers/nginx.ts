import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderNginxFolders, renderNginxUser } from "../backend.ts";
import { LOOPBACK } from "../ports.ts";
import { findProgram, readProgramVersion } from "../programs.ts";
import { PEER_CONNECTIONS_MAX, PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";
import { backendPortOf, type Peer, type PeerSetup } from "./peer.ts";

/** nginx with one worker. It speaks HTTP/2 to a backend for gRPC only. */
export const NGINX: Peer = {
  name: "nginx",
  findVersion: () => readProgramVersion("nginx", "-v"),
  serves: (path) => path.isGrpc || path.upstream === "http1",
  prepare(setup) {
    const config = join(setup.folder, "nginx.conf");
    writeFileSync(config, renderNginx(setup));
    const args = ["-p", setup.folder, "-e", join(setup.folder, "error.log"), "-c", config];
    return { name: "nginx", command: findProgram("nginx") ?? "nginx", args };
  },
};

function renderNginx(setup: PeerSetup): string {
  const { folder, listenPort, path, certificate } = setup;
  const listen = { http1: "", http2: " http2", "tls-http2": " ssl http2" }[path.downstream];
  const tls =
    path.downstream === "tls-http2"
      ? `    ssl_certificate ${certificate.certificatePath};
    ssl_certificate_key ${certificate.keyPath};
    ssl_protocols TLSv1.3;
`
      : "";
  const pass = path.isGrpc ? "grpc_pass grpc://backend;" : "proxy_pass http://backend;";
  return `${renderNginxUser()}daemon off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log ${join(folder, "error.log")} error;
worker_rlimit_nofile ${PEER_CONNECTIONS_MAX + PEER_IDLE_UPSTREAM_MAX * 2};
events { worker_connections ${PEER_CONNECTIONS_MAX + PEER_IDLE_UPSTREAM_MAX}; }
http {
${renderNginxFolders(folder)}
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 128;
  upstream backend {
    server ${LOOPBACK}:${backendPortOf(setup)};
    keepalive ${PEER_IDLE_UPSTREAM_MAX};
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  server {
    listen ${LOOPBACK}:${listenPort}${listen} backlog=4096;
${tls}    location / {
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      # A whole 64 KB answer fits; longer ones wait for the client instead of going to a file.
      proxy_buffers 8 16k;
      proxy_buffer_size 16k;
      proxy_busy_buffers_size 64k;
      proxy_max_temp_file_size 0;
      ${pass}
    }
  }
}
`;
}
