import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK } from "../ports.ts";
import { findProgram, readProgramVersion } from "../programs.ts";
import { PEER_IDLE_UPSTREAM_MAX } from "./limits.ts";
import { backendPortOf, type Peer, type PeerSetup } from "./peer.ts";

/** Caddy, which is Go's own HTTP stack, on one processor. */
export const CADDY: Peer = {
  name: "Caddy",
  findVersion: () => readProgramVersion("caddy", "version"),
  serves: () => true,
  prepare(setup) {
    const config = join(setup.folder, "Caddyfile");
    writeFileSync(config, renderCaddy(setup));
    return {
      name: "Caddy",
      command: findProgram("caddy") ?? "caddy",
      args: ["run", "--config", config, "--adapter", "caddyfile"],
      env: {
        GOMAXPROCS: "1",
        HOME: setup.folder,
        XDG_DATA_HOME: join(setup.folder, "data"),
        XDG_CONFIG_HOME: join(setup.folder, "config"),
      },
    };
  },
};

function renderCaddy(setup: PeerSetup): string {
  const { listenPort, path, certificate } = setup;
  const isTls = path.downstream === "tls-http2";
  const tls = isTls ? `  tls ${certificate.certificatePath} ${certificate.keyPath} {\n    protocols tls1.3\n  }\n` : "";
  return `{
  admin off
  auto_https off
  servers {
    protocols ${isTls ? "h1 h2" : "h1 h2c"}
    timeouts {
      idle 1h
    }
  }
  log {
    level ERROR
  }
}
${isTls ? "https" : "http"}://localhost:${listenPort}, ${isTls ? "https" : "http"}://${LOOPBACK}:${listenPort} {
  bind ${LOOPBACK}
${tls}  reverse_proxy ${LOOPBACK}:${backendPortOf(setup)} {
    transport http {
      ${path.upstream === "http2" ? "versions h2c 2" : "versions 1.1"}
      compression off
      keepalive 1h
      keepalive_idle_conns ${PEER_IDLE_UPSTREAM_MAX}
      keepalive_idle_conns_per_host ${PEER_IDLE_UPSTREAM_MAX}
    }
  }
}
`;
}
