import { Command } from "commander";
import { type AdminAddress, adminOption, renderAdminAddress } from "../admin/admin-address.ts";
import { followSummaries, getJson, type LiveSummary } from "../admin/admin-client.ts";
import { findAdmin } from "../admin/find-admin.ts";
import { VIEW_WINDOW_SECONDS } from "../admin/limits.ts";
import { RouteWindow } from "../admin/route-window.ts";
import { renderRoutes, Screen } from "../admin/view.ts";

/** `weft top`: traffic of a running role, route by route, until Ctrl-C. */
export function createCommand(): Command {
  return new Command("top")
    .description("show the traffic of a running mesh or proxy, route by route, every second until Ctrl-C")
    .addOption(adminOption())
    .option("--json", "print each second's summary as one line of JSON instead")
    .action(async ({ admin: named, json }: { admin?: AdminAddress; json?: boolean }) => {
      const admin = await findAdmin(named);
      // A server that is not there is said at once; one that goes away later is waited for.
      await getJson<{ isLive: true }>(admin, "/api/live", "isLive");
      await watch(admin, json === true ? printJson : createPrinter(admin));
    });
}

function printJson({ routes, ...summary }: LiveSummary): void {
  const shown = routes.map(({ durations: _, ...route }) => route);
  process.stdout.write(`${JSON.stringify({ ...summary, routes: shown })}\n`);
}

function createPrinter(admin: AdminAddress): (summary: LiveSummary) => void {
  const window = new RouteWindow(VIEW_WINDOW_SECONDS);
  const screen = process.stdout.isTTY ? new Screen(process.stdout) : null;
  return ({ requestsPerSecond, connectionsActive, routes }) => {
    window.add(routes);
    const total = `${requestsPerSecond.toFixed(1)} requests/s, ${connectionsActive} connections`;
    const lines = [`${renderAdminAddress(admin)}: ${total}`, "", ...renderRoutes(window.routes())];
    if (screen === null) process.stdout.write(`${lines.join("\n")}\n\n`);
    else screen.draw(lines);
  };
}

/** Until a signal, or until nobody reads what is printed. */
async function watch(admin: AdminAddress, onSummary: (summary: LiveSummary) => void): Promise<void> {
  const abort = new AbortController();
  const stop = (): void => abort.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  process.stdout.on("error", stop);
  await followSummaries(admin, abort.signal, onSummary);
}
