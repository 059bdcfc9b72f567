import { closeSync, ftruncateSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Program, ProgramGroup } from "./program-group.ts";
import { chooseFreePort, LOOPBACK } from "./ports.ts";
import { findProgram } from "./programs.ts";
import { GRPC_CALL, LARGE, SMALL, STREAM_TARGET } from "./scenario.ts";

/** Where every peer sends requests to. */
export interface BackendPorts {
  readonly http1: number;
  /** HTTP/2 with prior knowledge. */
  readonly http2: number;
}

/** nginx as the backend: the cheapest server at hand, so that what is measured is the proxy. */
export interface Backend {
  readonly ports: BackendPorts;
  readonly program: Program;
}

/**
 * Starts the backend; its files go into `folder`.
 *
 * @throws WeftError BENCH_START_FAILED
 */
export async function startBackend(group: ProgramGroup, folder: string, streamBytes: number): Promise<Backend> {
  const www = join(folder, "www");
  writeFile(www, LARGE.target, LARGE.responseBody);
  // The file of the call itself only has to exist: a POST to it is sent on to the file with the answer.
  writeFile(www, GRPC_CALL.target, Buffer.alloc(0));
  writeFile(www, "/grpc-answer", GRPC_CALL.responseBody);
  writeFile(www, STREAM_TARGET, Buffer.alloc(0));
  const file = openSync(join(www, STREAM_TARGET), "r+");
  // Sparse: it takes no room on the disk.
  ftruncateSync(file, streamBytes);
  closeSync(file);
  const ports = { http1: await chooseFreePort(), http2: await chooseFreePort() };
  const config = join(folder, "nginx.conf");
  writeFileSync(config, renderBackend(folder, www, ports));
  const command = findProgram("nginx") ?? "nginx";
  const args = ["-p", folder, "-e", join(folder, "error.log"), "-c", config];
  const program = await group.startServer({ name: "the backend (nginx)", command, args }, ports.http2);
  return { ports, program };
}

function writeFile(www: string, target: string, content: Buffer): void {
  const path = join(www, target);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** What nginx needs to run from a folder of ours: by default it writes to folders of the system. */
export function renderNginxFolders(folder: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`).join("\n");
}

/** As root nginx would give its worker to a user who may not read the folder. */
export function renderNginxUser(): string {
  return process.getuid?.() === 0 ? "user root;\n" : "";
}

/**
 * gRPC: `mirror` has nginx read the call's whole body before it answers, as a server would (its copy goes to a location that
 * drops it); a static file answers no POST, so the error sends it on to the file that holds the answer.
 */
function renderBackend(folder: string, www: string, ports: BackendPorts): string {
  return `${renderNginxUser()}daemon off;
worker_processes 1;
pid ${join(folder, "nginx.pid")};
error_log ${join(folder, "error.log")} error;
events { worker_connections 18000; }
http {
${renderNginxFolders(folder)}
  access_log off;
  sendfile on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 1024;
  open_file_cache max=16 inactive=1h;
  open_file_cache_valid 1h;
  types { }
  default_type text/plain;
  server {
    listen ${LOOPBACK}:${ports.http1} backlog=4096;
    listen ${LOOPBACK}:${ports.http2} http2 backlog=4096;
    root ${www};
    location / { return 200 '${SMALL.responseBody.toString().replace("\n", "\\n")}'; }
    location = ${LARGE.target} { }
    location = ${STREAM_TARGET} { }
    location = ${GRPC_CALL.target} { mirror /dropped; error_page 405 =200 /grpc-answer; }
    location = /grpc-answer { internal; default_type application/grpc; add_trailer grpc-status 0; }
    location = /dropped { internal; return 204; }
  }
}
`;
}
