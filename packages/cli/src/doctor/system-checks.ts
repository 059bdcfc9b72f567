import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type CheckResult, conclude, type Finding, pass, skip } from "./check-result.ts";

/** Where the launcher keeps the Node that it runs, below the root of the clone. */
const PINNED_NODE = "node_modules/node/bin/node";

/** The root of the clone whose Node this is; null for another Node. */
export function installRoot(execPath: string): string | null {
  const root = resolve(execPath, "../../../..");
  return join(root, PINNED_NODE) === execPath ? root : null;
}

/** Whether this process runs on the Node that the lock file pins. */
export function checkNode(root: string | null, version: string): CheckResult {
  const name = "node";
  if (root === null) {
    const detail = `${version} of this system, not the one that Weft is tested with`;
    return { name, verdict: "warning", detail, action: "start Weft by ./weft, which runs the pinned Node" };
  }
  const pinned = packagesOf(join(root, "package-lock.json"))?.get("node_modules/node")?.version ?? "";
  if (`v${pinned}` === version) return pass(name, `${version}, as pinned`);
  return { name, verdict: "failed", detail: `${version}, pinned is ${pinned}`, action: "run ./weft once: it installs" };
}

/** Whether the packages that are installed are those of the lock file, also after somebody changed them by hand. */
export function checkInstall(root: string | null): CheckResult {
  const name = "install";
  if (root === null) return skip(name, "this is no clone that ./weft installed");
  const wanted = packagesOf(join(root, "package-lock.json"));
  const present = packagesOf(join(root, "node_modules/.package-lock.json"));
  const action = "remove node_modules and run ./weft";
  if (wanted === null || present === null) {
    return {
      name,
      verdict: "failed",
      detail: "package-lock.json or what npm wrote about its install is missing",
      action,
    };
  }
  const findings: Finding[] = [];
  let count = 0;
  for (const [path, want] of wanted) {
    const have = present.get(path);
    if (!path.startsWith("node_modules/") || (want.isOptional && have === undefined)) continue;
    count++;
    if (have?.version === want.version && have?.integrity === want.integrity) continue;
    const found = have === undefined ? "missing" : `version ${have.version}`;
    const detail = `${path.slice("node_modules/".length)} is ${found}, pinned is ${want.version}`;
    findings.push({ verdict: "failed", detail, action });
  }
  return conclude(name, findings, `${count} packages, as pinned`);
}

interface LockedPackage {
  readonly version: string | undefined;
  readonly integrity: string | undefined;
  readonly isOptional: boolean;
}

/** The packages of a lock file by path; null where it cannot be read. */
function packagesOf(path: string): ReadonlyMap<string, LockedPackage> | null {
  try {
    const { packages } = JSON.parse(readFileSync(path, "utf8")) as {
      packages: Record<string, { version?: string; integrity?: string; optional?: boolean }>;
    };
    return new Map(
      Object.entries(packages).map(([key, { version, integrity, optional }]) => [
        key,
        { version, integrity, isOptional: optional === true },
      ]),
    );
  } catch {
    return null;
  }
}

/** Whether the clock goes behind what has happened already: certificates and tokens would not be valid yet. */
export function checkClock(root: string | null, nowMs: number): CheckResult {
  const name = "clock";
  const now = new Date(nowMs).toISOString();
  if (root === null) return skip(name, `${now}; there are no installed files to compare with`);
  const installedMs = statSync(join(root, "node_modules")).mtimeMs;
  if (nowMs >= installedMs) return pass(name, now);
  const detail = `${now} is before the install (${new Date(installedMs).toISOString()})`;
  return { name, verdict: "failed", detail, action: "set the clock, or start the service that keeps it (NTP)" };
}

/** File descriptors that this process may open, as Linux says; null where that is not known. */
export function readDescriptorsMax(path: string = "/proc/self/limits"): number | null {
  try {
    const text = readFileSync(path, "utf8");
    const [, soft = ""] = /^Max open files\s+(\d+|unlimited)/m.exec(text) ?? [];
    return soft === "unlimited" ? Number.POSITIVE_INFINITY : soft === "" ? null : Number(soft);
  } catch {
    return null;
  }
}
