import { loadWorld } from "@weft/control/client";
import type { AdminSource } from "@weft/proxy";
import { type AdminAddress, renderAdminAddress } from "../admin/admin-address.ts";
import { getJson } from "../admin/admin-client.ts";
import { ADMIN_SEARCH_MS_MAX } from "../admin/limits.ts";
import { checkCertificates } from "./certificate-checks.ts";
import type { CheckResult } from "./check-result.ts";
import {
  checkAdmin,
  checkConfiguration,
  checkConnections,
  checkDescriptors,
  checkDns,
  checkPorts,
} from "./config-checks.ts";
import { checkAccessLog, checkTracing } from "./output-checks.ts";
import { checkClock, checkInstall, checkNode, installRoot, readDescriptorsMax } from "./system-checks.ts";

/** What is looked at. */
export interface DoctorOptions {
  /** The configuration; undefined looks at the machine alone. */
  readonly path: string | undefined;
  /** WEFT_ADMIN_TOKEN. */
  readonly token: string;
}

/** Looks at everything that users stumble over; each check really looks. */
export async function examine({ path, token }: DoctorOptions): Promise<readonly CheckResult[]> {
  const root = installRoot(process.execPath);
  const nowMs = Date.now();
  const results = [checkNode(root, process.version), checkInstall(root), checkClock(root, nowMs)];
  if (path === undefined) return results;
  const { world, problems, attachmentPaths } = await loadWorld(path);
  results.push(checkConfiguration(world, problems));
  if (world === null) return results;
  results.push(
    checkDescriptors(world, readDescriptorsMax()),
    checkConnections(world),
    await checkPorts(world, await ownAddresses(world.settings.admin)),
    checkCertificates(world, attachmentPaths, nowMs),
    await checkDns(world),
    checkAccessLog(world),
    await checkTracing(world),
    checkAdmin(world, token),
  );
  return results;
}

/** The addresses that a proxy with this admin address serves now, its admin server's included. */
async function ownAddresses(admin: AdminAddress): Promise<ReadonlySet<string>> {
  type Listeners = Awaited<ReturnType<AdminSource["listeners"]>>;
  try {
    const { listeners } = await getJson<{ listeners: Listeners }>(
      admin,
      "/api/listeners",
      "listeners",
      ADMIN_SEARCH_MS_MAX,
    );
    return new Set([...listeners, admin].map(renderAdminAddress));
  } catch {
    return new Set();
  }
}
