import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import type { Launch } from "../program-group.ts";

/** Namespaces of benchmarks are told by it, and by the process that made them. */
const NAME_PREFIX = "weft-bench-";

/**
 * A network of its own for one process, whose line to the rest of the machine can be cut without a word: no packet of that
 * process arrives any more, as behind a broken switch. Its addresses are of the networks that RFC 2544 sets apart for measurements.
 */
export class IsolatedNetwork {
  readonly #name: string = `${NAME_PREFIX}${process.pid}`;
  readonly #link: string = `198.18.${process.pid & 255}`;
  readonly #hosts: string = `198.19.${process.pid & 255}`;
  readonly #remove = (): void => {
    tryIp("netns", "del", this.#name);
  };

  private constructor() {}

  /** Why there can be none on this machine, or the network. */
  static create(): IsolatedNetwork | string {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
    removeStale();
    const network = new IsolatedNetwork();
    const fault = network.#build();
    if (fault === null) process.on("exit", network.#remove);
    else network.#remove();
    return fault ?? network;
  }

  /** One of 254 addresses at the far end of the line. */
  address(index: number): string {
    return `${this.#hosts}.${index + 1}`;
  }

  /** The same program inside. */
  inside({ command, args, ...rest }: Launch): Launch {
    return { ...rest, command: "ip", args: ["netns", "exec", this.#name, command, ...args] };
  }

  /** From now on nothing comes from inside. */
  cut(): void {
    ip("-n", this.#name, "route", "add", "blackhole", `${this.#link}.1/32`);
  }

  mend(): void {
    ip("-n", this.#name, "route", "del", "blackhole", `${this.#link}.1/32`);
  }

  /** Whatever runs inside must have ended. */
  close(): void {
    process.off("exit", this.#remove);
    this.#remove();
  }

  #build(): string | null {
    // Names of devices have at most 15 bytes.
    const device = `wb${process.pid}`;
    const inside = ["-n", this.#name];
    return (
      tryIp("netns", "add", this.#name) ??
      tryIp("link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", this.#name) ??
      tryIp("addr", "add", `${this.#link}.1/30`, "dev", device) ??
      tryIp("link", "set", device, "up") ??
      tryIp(...inside, "addr", "add", `${this.#link}.2/30`, "dev", "eth0") ??
      tryIp(...inside, "link", "set", "eth0", "up") ??
      tryIp(...inside, "link", "set", "lo", "up") ??
      tryIp(...inside, "route", "add", "local", `${this.#hosts}.0/24`, "dev", "lo") ??
      tryIp("route", "add", `${this.#hosts}.0/24`, "via", `${this.#link}.2`)
    );
  }
}

/** Those of benchmarks that were killed. */
function removeStale(): void {
  for (const name of ip("netns", "list").split("\n")) {
    const [namespace = ""] = name.split(" ");
    const pid = namespace.slice(NAME_PREFIX.length);
    if (namespace.startsWith(NAME_PREFIX) && !existsSync(`/proc/${pid}`)) tryIp("netns", "del", namespace);
  }
}

/** Null, or why it did not work. */
function tryIp(...args: readonly string[]): string | null {
  try {
    ip(...args);
    return null;
  } catch (error) {
    return `ip ${args.join(" ")}: ${error instanceof Error ? error.message.split("\n").at(-1) : String(error)}`;
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
