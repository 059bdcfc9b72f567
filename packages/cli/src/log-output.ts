import { write, writeSync } from "node:fs";
import { LOG_END_RETRIES_MAX, LOG_END_WAIT_MS, LOG_PENDING_BYTES_MAX, LOG_RETRY_MS } from "./limits.ts";

/**
 * Writes the lines of a log to a file descriptor. A reader that is slow must not hold up traffic: lines wait for it, up to a
 * limit, and then are lost, which the next line says. A reader that has gone does not end the process.
 */
export class LogOutput {
  readonly #fd: number;
  #pending: string[] = [];
  #pendingBytes: number = 0;
  #lostLines: number = 0;
  /** What the system has been handed and has not taken in full. */
  #inFlight: Buffer | null = null;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Lines that found no room since the last one that did. */
  get lostLines(): number {
    return this.#lostLines;
  }

  /** Takes a line, with its line feed. */
  write(line: string): void {
    if (this.#pendingBytes + line.length > LOG_PENDING_BYTES_MAX) {
      this.#lostLines++;
      return;
    }
    if (this.#lostLines > 0) {
      this.#pending.push(`(${this.#lostLines} lines were lost: their reader is too slow)\n`);
      this.#lostLines = 0;
    }
    this.#pending.push(line);
    this.#pendingBytes += line.length;
    if (this.#inFlight === null) this.#writeNext();
  }

  /**
   * Writes what waits before it returns: the process ends. What was handed to the system before is written by a thread of
   * its own, which gets a moment to be first. A reader that takes nothing for a second gets no more.
   */
  end(): void {
    if (this.#inFlight !== null) pause(LOG_END_WAIT_MS);
    let rest = Buffer.from(this.#takePending());
    for (let retries = 0; rest.length > 0 && retries <= LOG_END_RETRIES_MAX;) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
        retries++;
        pause(LOG_RETRY_MS);
      }
    }
  }

  #takePending(): string {
    const text = this.#pending.join("");
    this.#pending = [];
    this.#pendingBytes = 0;
    return text;
  }

  #writeNext(): void {
    this.#inFlight ??= this.#pending.length > 0 ? Buffer.from(this.#takePending()) : null;
    if (this.#inFlight === null) return;
    write(this.#fd, this.#inFlight, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeNext(), LOG_RETRY_MS).unref();
        return;
      }
      // Any other error: there is nobody left to tell, and these lines are lost.
      const rest = error === null ? this.#inFlight?.subarray(written) : undefined;
      this.#inFlight = rest === undefined || rest.length === 0 ? null : rest;
      this.#writeNext();
    });
  }
}

/** Stops this thread; for the end of a process, when there is no other way to wait. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
