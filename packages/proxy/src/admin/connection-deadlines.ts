import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock, TimerHandle } from "@weft/kernel";
import { ADMIN_IDLE_MS_MAX, ADMIN_REQUEST_MS_MAX } from "./limits.ts";

/**
 * Closes connections whose first request does not come in `ADMIN_REQUEST_MS_MAX`, and those on which the next one does
 * not come in `ADMIN_IDLE_MS_MAX`. Node has timeouts of its own; these follow the injected clock.
 */
export function limitConnections(server: Server, clock: Clock): void {
  const timers = new WeakMap<Socket, TimerHandle>();
  const disarm = (socket: Socket): void => {
    const timer = timers.get(socket);
    if (timer !== undefined) clock.clearTimer(timer);
    timers.delete(socket);
  };
  const arm = (socket: Socket, delayMs: number): void => {
    disarm(socket);
    if (socket.destroyed) return;
    const timer = clock.setTimer(() => socket.destroy(), delayMs);
    timer.unref();
    timers.set(socket, timer);
  };
  server.on("connection", (socket: Socket) => {
    arm(socket, ADMIN_REQUEST_MS_MAX);
    socket.once("close", () => disarm(socket));
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    disarm(socket);
    response.once("close", () => arm(socket, ADMIN_IDLE_MS_MAX));
  });
}
