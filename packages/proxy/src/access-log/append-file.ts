import { close, constants, openSync, write } from "node:fs";
import { type Clock, sleep, WeftError } from "@weft/kernel";
import type { AccessLogErrorCode } from "./errors.ts";
import { ACCESS_LOG_RETRY_MS } from "./limits.ts";

/**
 * A file, pipe or standard output that whole lines are appended to. Writes run on libuv's threads, one at a time, so
 * neither a slow disk nor a full pipe stops the event loop. With O_APPEND each batch lands in one piece, also when
 * several processes write to the same file.
 */
export class AppendFile {
  readonly #path: string;
  readonly #clock: Clock;
  #descriptor: number;
  #isMidLine: boolean = false;

  /**
   * `path` "stdout" is the process's own output.
   *
   * @throws WeftError ACCESS_LOG_OPEN_FAILED
   */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.#descriptor = openForAppend(path);
  }

  /** Appends `lines` (which end in a line feed). Rejects with the system's error; part of them may be written then. */
  async append(lines: string, signal: AbortSignal): Promise<void> {
    // After a write that broke off, the next line must not be glued to the half one.
    const bytes = Buffer.from(this.#isMidLine ? `\n${lines}` : lines, "utf8");
    let start = 0;
    while (start < bytes.length) {
      const written = await writeOnce(this.#descriptor, bytes, start);
      if (written > 0) {
        start += written;
        this.#isMidLine = bytes[start - 1] !== LINE_FEED;
      } else await sleep(this.#clock, ACCESS_LOG_RETRY_MS, signal);
    }
  }

  /**
   * Goes on in the file that now has the name. If it cannot be opened, the old one stays in use.
   *
   * @throws WeftError ACCESS_LOG_OPEN_FAILED
   */
  async reopen(): Promise<void> {
    if (this.#path === STDOUT) return;
    const descriptor = openForAppend(this.#path);
    const old = this.#descriptor;
    this.#descriptor = descriptor;
    this.#isMidLine = false;
    await closeDescriptor(old);
  }

  async close(): Promise<void> {
    if (this.#path !== STDOUT) await closeDescriptor(this.#descriptor);
  }
}

const STDOUT = "stdout";
const LINE_FEED = 10;
const FILE_MODE = 0o640;

/** O_NONBLOCK: a named pipe that nobody reads fails at once instead of stopping the process. */
function openForAppend(path: string): number {
  if (path === STDOUT) return 1;
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  try {
    return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, FILE_MODE);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WeftError<AccessLogErrorCode>(
      "ACCESS_LOG_OPEN_FAILED",
      `Cannot open access log "${path}": ${reason}`,
      { path },
      { cause },
    );
  }
}

/** Bytes written; 0 when a pipe is full. */
function writeOnce(descriptor: number, bytes: Buffer, start: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, bytes, start, bytes.length - start, null, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === "EAGAIN") resolve(0);
      else reject(error);
    });
  });
}

function closeDescriptor(descriptor: number): Promise<void> {
  return new Promise((resolve) => close(descriptor, () => resolve()));
}
