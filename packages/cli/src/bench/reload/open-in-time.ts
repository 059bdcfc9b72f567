import type { Clock } from "@weft/kernel";
import { OPEN_MS_MAX } from "./limits.ts";

/** What is being opened: a socket or a session. */
interface Opening {
  once(event: "error", listener: (error: Error) => void): unknown;
  once(event: "close", listener: () => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  off(event: "close", listener: () => void): unknown;
  destroy(): unknown;
}

/** Waits until `onOpen` is called back; rejects, and destroys, on an error, an end or when it takes too long. */
export function openInTime(opening: Opening, clock: Clock, onOpen: (callback: () => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clock.clearTimer(timer);
      opening.off("error", fail);
      opening.off("close", onClose);
    };
    const fail = (error: Error): void => {
      settle();
      // What it still has to say is of no interest.
      opening.once("error", () => {});
      opening.destroy();
      reject(error);
    };
    const onClose = (): void => fail(new Error("closed while it was opened"));
    const timer = clock.setTimer(() => fail(new Error(`not open after ${OPEN_MS_MAX} ms`)), OPEN_MS_MAX);
    opening.once("error", fail);
    opening.once("close", onClose);
    onOpen(() => {
      settle();
      resolve();
    });
  });
}
