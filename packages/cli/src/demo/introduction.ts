import type { MeshProcesses } from "./mesh-processes.ts";
import type { Mesh } from "./mesh.ts";
import type { RunFolder } from "./run-folder.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK } from "./shop/application.ts";

/** What is printed once, when the mesh is ready: addresses, and three things to try. */
export function renderIntroduction(
  mesh: Mesh,
  folder: RunFolder,
  processes: MeshProcesses,
  readyMs: number,
): readonly string[] {
  const routes = join(folder.configOf("ingress"), "routes.yaml");
  const moreRoutes = join(folder.configOf("ingress"), "more-routes.yaml");
  return [
    `A payment shop of ${mesh.instances.length} instances, each behind its own sidecar: ready in ${Math.round(readyMs)} ms`,
    ...mesh.notices,
    "",
    `  ingress         http://${LOOPBACK}:${mesh.httpPort}  https://${LOOPBACK}:${mesh.httpsPort}`,
    `  admin           http://${LOOPBACK}:${mesh.adminPort}`,
    `  configuration   ${folder.path}`,
    "",
    "Look around:",
    `  curl http://${LOOPBACK}:${mesh.httpPort}/checkout`,
    `  ./weft status --admin ${LOOPBACK}:${mesh.adminPort}`,
    `  ./weft explain GET http://${LOOPBACK}:${mesh.httpPort}/checkout --admin ${LOOPBACK}:${mesh.adminPort}`,
    "",
    "Three things to try, in another terminal; files are applied as soon as they are saved:",
    `  shift half of the cart's traffic to v2`,
    `    ${editCommand(routes, "weight: 10", "weight: 90")}`,
    `  let 30 % of the checkouts fail`,
    `    ${editCommand(moreRoutes, "percentage: 0", "percentage: 30")}`,
    `  kill one of the two payment instances; no payment fails`,
    `    kill ${processes.get("payment-1")?.pid ?? 0}`,
    "",
  ];
}

/** A command that changes the one line of a file that has `before`. */
function editCommand(path: string, before: string, after: string): string {
  const line = readFileSync(path, "utf8")
    .split("\n")
    .findIndex((text) => text.trimEnd().endsWith(before));
  const inPlace = process.platform === "darwin" ? "-i ''" : "-i";
  return `sed ${inPlace} '${line + 1}s/${before}/${after}/' ${path}`;
}
