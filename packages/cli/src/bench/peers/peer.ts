import type { BackendPorts } from "../backend.ts";
import type { Launch } from "../program-group.ts";
import type { ProxiedPath } from "../scenario.ts";

/** A proxy in the comparison. */
export interface Peer {
  readonly name: string;
  /** Null when it is not installed. */
  findVersion(): Promise<string | null>;
  /** Whether it can proxy so at all. */
  serves(path: ProxiedPath): boolean;
  /** Writes its configuration and says how to start it: one process, or one worker. */
  prepare(setup: PeerSetup): Launch;
}

/** What a peer is to do. */
export interface PeerSetup {
  /** Its own, empty. */
  readonly folder: string;
  readonly listenPort: number;
  readonly path: ProxiedPath;
  readonly backend: BackendPorts;
  readonly certificate: CertificateFiles;
}

/** For TLS listeners. */
export interface CertificateFiles {
  readonly authorityPath: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Certificate and key in one file, as HAProxy wants it. */
  readonly combinedPath: string;
}

/** The backend's port for what the peer speaks to it. */
export function backendPortOf({ path, backend }: PeerSetup): number {
  return path.upstream === "http1" ? backend.http1 : backend.http2;
}
