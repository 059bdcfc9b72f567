import { systemClock } from "@weft/kernel";
import { followSummaries } from "../admin/admin-client.ts";
import { renderIntroduction } from "./introduction.ts";
import { VIEW_WINDOW_SECONDS } from "../admin/limits.ts";
import { VIEW_EVENTS_MAX, VIEW_LINE_PERIOD_MS, VIEW_PERIOD_MS } from "./limits.ts";
import { RouteWindow } from "../admin/route-window.ts";
import { LOOPBACK } from "./shop/application.ts";
import { Traffic } from "./traffic.ts";
import type { RunningMesh } from "./up.ts";
import { renderLine, renderView, Screen, type ViewState } from "../admin/view.ts";

/**
 * Sends gentle traffic and shows what happens, until the signal: a table that is redrawn on a terminal, a line now and
 * then elsewhere. `setEventSink` is told where events of the mesh go.
 */
export async function watchMesh(
  { mesh, folder, processes, readyMs }: RunningMesh,
  signal: AbortSignal,
  setEventSink: (sink: (text: string) => void) => void,
): Promise<void> {
  const output = process.stdout;
  const write = (line: string): void => void output.write(`${line}\n`);
  for (const line of renderIntroduction(mesh, folder, processes, readyMs)) write(line);
  const traffic = new Traffic(mesh, systemClock);
  traffic.start();
  const events: string[] = [];
  const window = new RouteWindow(VIEW_WINDOW_SECONDS);
  const state = (): ViewState => {
    const ready = processes.children.filter(({ isReady }) => isReady).length;
    return { routes: window.routes(), ready, processes: processes.children.length, events };
  };
  const screen = output.isTTY ? new Screen(output) : null;
  const show = (): void => (screen === null ? write(renderLine(state())) : screen.draw(renderView(state())));
  setEventSink((text) => {
    const line = `${new Date().toISOString().slice(11, 19)} ${text}`;
    events.push(line);
    if (events.length > VIEW_EVENTS_MAX) events.shift();
    if (screen === null) write(line);
    else show();
  });
  const timer = setInterval(show, screen === null ? VIEW_LINE_PERIOD_MS : VIEW_PERIOD_MS);
  const admin = { address: LOOPBACK, port: mesh.adminPort };
  try {
    await followSummaries(admin, signal, ({ routes }) => window.add(routes));
  } finally {
    clearInterval(timer);
    traffic.stop();
    setEventSink(write);
  }
}
