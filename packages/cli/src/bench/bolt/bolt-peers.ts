import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK } from "../ports.ts";
import { launchWeft } from "../peers/weft.ts";
import type { Launch } from "../program-group.ts";
import { findProgram } from "../programs.ts";

/** What a proxy in the comparison is to do. */
export interface BoltSetup {
  /** Its own, empty. */
  readonly folder: string;
  readonly listenPort: number;
  readonly backendPort: number;
}

/** A proxy in the comparison. */
export interface BoltPeer {
  readonly name: string;
  prepare(setup: BoltSetup): Launch;
}

/** A sidecar of one process, as it stands before an application that speaks Bolt. */
const WEFT_SIDECAR: BoltPeer = {
  name: "weft",
  prepare({ folder, listenPort, backendPort }) {
    const config = join(folder, "config");
    mkdirSync(config);
    writeFileSync(
      join(config, "proxy.yaml"),
      `apiVersion: weft.dev/v1
kind: ProxyConfig
metadata:
  name: bench
spec:
  inbound:
    address: ${LOOPBACK}
    port: ${listenPort}
    targetAddress: ${LOOPBACK}
    targetPort: ${backendPort}
    protocol: bolt
  admin:
    address: ${LOOPBACK}
    port: 0
`,
    );
    return launchWeft(["proxy", "--single", "--config", config]);
  },
};

/** HAProxy with one thread, which passes bytes on and looks at none. */
const HAPROXY_TCP: BoltPeer = {
  name: "HAProxy (TCP)",
  prepare({ folder, listenPort, backendPort }) {
    const config = join(folder, "haproxy.cfg");
    writeFileSync(
      config,
      `global
  nbthread 1
  no strict-limits
defaults
  mode tcp
  no log
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend front
  bind ${LOOPBACK}:${listenPort} backlog 4096
  default_backend back
backend back
  server one ${LOOPBACK}:${backendPort}
`,
    );
    return { name: "HAProxy", command: findProgram("haproxy") ?? "haproxy", args: ["-db", "-f", config] };
  },
};

/** All of them; ours first. */
export const BOLT_PEERS: readonly BoltPeer[] = [WEFT_SIDECAR, HAPROXY_TCP];

/** The one that we are held against. */
export const BOLT_RIVAL: string = HAPROXY_TCP.name;
