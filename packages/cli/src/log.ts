import type { Log, LogLevel } from "@weft/proxy";
import { type DestinationStream, pino } from "pino";
import { LogOutput } from "./log-output.ts";

/** The log of a process; its level can change while it runs. */
export interface ProcessLog extends Log {
  level: LogLevel;
}

/** How a process logs. */
export interface LogOptions {
  /** What the process is, on every line: "proxy", "worker 1". */
  readonly name: string;
  /** One short line per message for people; JSON otherwise. */
  readonly isForPeople: boolean;
  readonly level: LogLevel;
  /** Where the lines go; default: standard error. */
  readonly output?: DestinationStream;
}

/** The log of this process. */
export function createLog(options: LogOptions): ProcessLog {
  const output = options.output ?? openStandardError();
  return options.isForPeople ? new LineLog(options, output) : new JsonLog(options, output);
}

function openStandardError(): DestinationStream {
  const output = new LogOutput(2);
  process.on("exit", () => output.end());
  return output;
}

/** JSON lines by pino. */
class JsonLog implements ProcessLog {
  readonly #pino: pino.Logger;

  constructor(options: LogOptions, output: DestinationStream) {
    const formatters = { level: (label: string): object => ({ level: label }) };
    const base = { pid: process.pid, name: options.name };
    this.#pino = pino(
      { base, level: options.level, formatters, timestamp: pino.stdTimeFunctions.isoTime, messageKey: "message" },
      output,
    );
  }

  get level(): LogLevel {
    return this.#pino.level as LogLevel;
  }

  set level(level: LogLevel) {
    this.#pino.level = level;
  }

  debug(message: string, fields: Record<string, unknown> = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: Record<string, unknown> = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: Record<string, unknown> = {}): void {
    this.#pino.error(fields, message);
  }
}

const RANKS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Lines for a terminal: `12:04:31.250 WARN  message  key=value`. */
class LineLog implements ProcessLog {
  level: LogLevel;
  readonly #name: string;
  readonly #output: DestinationStream;

  constructor(options: LogOptions, output: DestinationStream) {
    this.level = options.level;
    this.#name = options.name;
    this.#output = output;
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    if (RANKS[level] < RANKS[this.level]) return;
    const time = new Date().toISOString().slice(11, 23);
    const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${renderValue(value)}`);
    this.#output.write(`${time} ${level.toUpperCase().padEnd(5)} ${this.#name}: ${message}${pairs.join("")}\n`);
  }
}

function renderValue(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (value instanceof Error) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? String(value);
}
