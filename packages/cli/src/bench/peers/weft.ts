import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launchModule } from "./node.ts";
import type { Peer, PeerSetup } from "./peer.ts";
import { createBenchWorld } from "./weft-world.ts";

/** This data plane in one process: a table of routes, metrics and active health checks, as it would run. */
export const WEFT: Peer = {
  name: "weft",
  findVersion: () => Promise.resolve(readVersion()),
  serves: () => true,
  prepare(setup: PeerSetup) {
    const file = join(setup.folder, "world.json");
    writeFileSync(file, JSON.stringify(createBenchWorld(setup)));
    return { name: "weft", ...launchModule(new URL("./weft-entry.ts", import.meta.url), [file]) };
  },
};

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
