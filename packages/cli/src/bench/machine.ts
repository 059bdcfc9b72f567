import { cpus, release, totalmem, type } from "node:os";
import type { Peer } from "./peers/peer.ts";
import { readProgramVersion } from "./programs.ts";

/** Where it was measured, in words that read well one after the other. */
export interface Machine {
  readonly cpu: string;
  readonly cores: string;
  readonly memory: string;
  readonly kernel: string;
  readonly node: string;
  /** Names and versions. */
  readonly peers: string;
  /** Load generators with versions; "" for none. */
  readonly generators: string;
}

/** A peer that is there. */
export interface InstalledPeer {
  readonly peer: Peer;
  readonly version: string;
}

/** Peers that are installed, and names of those that are not. */
export async function findPeers(
  peers: readonly Peer[],
): Promise<{ readonly installed: readonly InstalledPeer[]; readonly missing: readonly string[] }> {
  const installed: InstalledPeer[] = [];
  const missing: string[] = [];
  for (const peer of peers) {
    const version = await peer.findVersion();
    if (version === null) missing.push(peer.name);
    else installed.push({ peer, version });
  }
  return { installed, missing };
}

/** Describes this machine and what runs on it. */
export async function describeMachine(installed: readonly InstalledPeer[]): Promise<Machine> {
  const processors = cpus();
  const generators = [
    { name: "wrk", version: await readProgramVersion("wrk", "-v") },
    { name: "h2load", version: await readProgramVersion("h2load", "--version") },
  ];
  return {
    cpu: processors[0]?.model ?? "unknown processor",
    cores: `${processors.length} cores`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB memory`,
    kernel: `${type()} ${release().split("-")[0] ?? ""}`,
    node: `Node ${process.versions.node}`,
    peers: installed
      .map(({ peer, version }) => (version === process.versions.node ? "" : `${peer.name} ${version}`))
      .filter((text) => text !== "")
      .join(", "),
    generators: generators
      .filter(({ version }) => version !== null)
      .map(({ name, version }) => `${name} ${version}`)
      .join(", "),
  };
}
