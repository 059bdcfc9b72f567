import { sleep, systemClock } from "@weft/kernel";
import type { UpgradeStatus } from "@weft/proxy";
import { Command } from "commander";
import { type AdminAddress, adminOption, renderAdminAddress } from "../admin/admin-address.ts";
import { getJson, postJson } from "../admin/admin-client.ts";
import { findAdmin } from "../admin/find-admin.ts";
import { UPGRADE_AWAY_MS_MAX, UPGRADE_POLL_MS } from "../admin/limits.ts";
import { renderCount } from "../count.ts";
import { EXIT_CODE } from "../exit-code.ts";
import { UPGRADE_MS_MAX } from "../limits.ts";

interface UpgradeAnswer {
  readonly upgrade: UpgradeStatus;
}

/** `weft upgrade`: the version of the program that is on disk now takes over from a running proxy. */
export function createCommand(): Command {
  return new Command("upgrade")
    .description("have the version of the program that is on disk now take over from a running proxy")
    .addOption(adminOption())
    .option("--json", "print what came of it as JSON")
    .addHelpText("after", HELP)
    .action(async ({ admin: named, json }: { admin?: AdminAddress; json?: boolean }) => {
      const admin = await findAdmin(named);
      const status = await upgrade(admin);
      if (json === true) process.stdout.write(`${JSON.stringify(status, undefined, 2)}\n`);
      else process.stdout.write(`${render(admin, status)}\n`);
      if (status.state !== "done") process.exitCode = EXIT_CODE.failed;
    });
}

const HELP = `
Listening sockets and connections without TLS (HTTP/1, Bolt, Dubbo) pass to the new version between two
requests; connections with TLS or HTTP/2 and tunnels finish in the old one. If the new version cannot take
over, the old one carries on, and the status is 1.

Environment:
  WEFT_ADMIN_TOKEN  the token that the admin server asks of actions, if it does`;

/**
 * Asks for it, and waits for what comes of it. The admin server answers throughout, first the old one's, then the new one's;
 * only when the old version dies on the way there is none for a moment.
 */
async function upgrade(admin: AdminAddress): Promise<UpgradeStatus> {
  const token = process.env["WEFT_ADMIN_TOKEN"] ?? "";
  let { upgrade: status } = await postJson<UpgradeAnswer>(admin, "/api/upgrade", "upgrade", {}, token);
  const startedMs = performance.now();
  let answeredMs = startedMs;
  while (status.state === "running" && performance.now() - startedMs < UPGRADE_MS_MAX) {
    await sleep(systemClock, UPGRADE_POLL_MS);
    try {
      ({ upgrade: status } = await getJson<UpgradeAnswer>(admin, "/api/upgrade", "upgrade"));
      answeredMs = performance.now();
    } catch (error) {
      if (performance.now() - answeredMs > UPGRADE_AWAY_MS_MAX) throw error;
    }
  }
  return status;
}

function render(admin: AdminAddress, status: UpgradeStatus): string {
  const where = renderAdminAddress(admin);
  const { generation, state, reason, tookMs, handOverMs, moved, waiting } = status;
  if (state === "refused") return `The proxy at ${where} carries on as it was: ${reason}`;
  if (state !== "done") return `The proxy at ${where} has not come to an end with it after ${UPGRADE_MS_MAX} ms`;
  const busy = waiting === 0 ? "" : `, ${waiting} busy ones move or end later`;
  const took = `after ${tookMs} ms, ${handOverMs} ms of them for the hand-over`;
  return `The proxy at ${where} is version ${generation} since its start, ${took}: ${renderCount(moved, "connection")} moved${busy}`;
}
