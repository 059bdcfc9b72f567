import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Launch } from "../program-group.ts";
import { launchModule } from "./node.ts";
import type { Peer, PeerSetup } from "./peer.ts";
import { renderBenchFiles } from "./weft-files.ts";

/** `weft proxy` in one process, with all that it has by default: metrics, the admin server, files that are watched. */
export const WEFT: Peer = {
  name: "weft",
  findVersion: () => Promise.resolve(readVersion()),
  serves: () => true,
  prepare(setup: PeerSetup) {
    const folder = join(setup.folder, "config");
    mkdirSync(folder);
    for (const [name, text] of renderBenchFiles(setup)) writeFileSync(join(folder, name), text);
    return launchWeft(["proxy", "--single", "--config", folder]);
  },
};

/** How to run this command line in a process of its own, as the launcher does: with the same bounds of memory. */
export function launchWeft(args: readonly string[]): Launch {
  const { command, args: all } = launchModule(new URL("../../main.ts", import.meta.url), args);
  const bounds = process.execArgv.filter((flag) => flag.startsWith("--max-semi-space-size="));
  return { name: "weft", command, args: [...bounds, ...all] };
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return manifest.version;
}
