import type { Fields, Mirror, RequestHead, ResetReason, ResponseHead } from "@weft/contract";
import { TimerEntry, type TimerOwner } from "@weft/kernel";
import { isSpokenBy } from "./admission.ts";
import { MIRROR_BYTES_MAX, MIRROR_DEADLINE_MS } from "./limits.ts";
import type { RequestPathDeps } from "./request-path-deps.ts";
import { type TryOwner, UpstreamTry } from "./upstream-try.ts";

const NO_HOSTS: readonly [] = [];

/** The copies of one request. Nobody waits for them: answers are read and dropped, failures only counted by the host. */
export class MirrorCopies {
  readonly #copies: readonly MirrorCopy[];

  private constructor(copies: readonly MirrorCopy[]) {
    this.#copies = copies;
  }

  /** Draws for each mirror and begins the copies; null when there is none. */
  static start(
    deps: RequestPathDeps,
    head: RequestHead,
    mirrors: readonly Mirror[],
    isEnd: boolean,
  ): MirrorCopies | null {
    // A tunnel has no end that a copy could wait for.
    if (head.upgrade !== "" || head.method === "CONNECT") return null;
    const copies: MirrorCopy[] = [];
    for (const mirror of mirrors) {
      if (mirror.share < 1 && deps.random.next() >= mirror.share) continue;
      const copy = MirrorCopy.start(deps, head, mirror.cluster, isEnd);
      if (copy !== null) copies.push(copy);
    }
    return copies.length === 0 ? null : new MirrorCopies(copies);
  }

  get count(): number {
    return this.#copies.length;
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    for (const copy of this.#copies) copy.sendData(bytes, start, end, isEnd);
  }

  sendTrailers(fields: Fields): void {
    for (const copy of this.#copies) copy.sendTrailers(fields);
  }

  /** The original will not be completed. */
  cut(): void {
    for (const copy of this.#copies) copy.cut();
  }
}

/** One copy at one host. A mirror that is slower than the client loses the copy, never slows the original. */
class MirrorCopy implements TryOwner, TimerOwner {
  readonly #deps: RequestPathDeps;
  readonly #deadline: TimerEntry;
  #attempt: UpstreamTry | null = null;
  /** What came before the stream was open or while it was congested. */
  #waiting: Buffer[] = [];
  #waitingBytes: number = 0;
  #trailers: Fields | null = null;
  #hasEnded: boolean;
  #isWritable: boolean = false;
  #releasePlace: (() => void) | null = null;

  private constructor(deps: RequestPathDeps, isEnd: boolean) {
    this.#deps = deps;
    this.#hasEnded = isEnd;
    this.#deadline = new TimerEntry(this);
  }

  static start(deps: RequestPathDeps, head: RequestHead, clusterName: string, isEnd: boolean): MirrorCopy | null {
    const cluster = deps.clusters.get(clusterName);
    if (cluster === undefined || !isSpokenBy(cluster.config, head)) return null;
    deps.pick.hash = deps.random.uint32();
    deps.pick.tried = NO_HOSTS;
    const host = cluster.cluster.pick(deps.pick);
    if (host === undefined || cluster.breaker.tryAcquireRequest() !== "acquired") return null;
    const copy = new MirrorCopy(deps, isEnd);
    copy.#releasePlace = () => cluster.breaker.releaseRequest();
    const attempt = new UpstreamTry(copy, cluster, host, cluster.poolOf(host), head, isEnd);
    copy.#attempt = attempt;
    const nowMs = deps.clock.nowMs();
    deps.wheel.schedule(copy.#deadline, MIRROR_DEADLINE_MS, nowMs);
    if (attempt.start(nowMs) !== "started") copy.#close();
    return copy;
  }

  sendData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    if (this.#attempt === null) return;
    if (isEnd) this.#hasEnded = true;
    const stream = this.#attempt.stream;
    if (stream !== null && this.#isWritable && this.#waitingBytes === 0) {
      this.#isWritable = stream.sendData(bytes, start, end, isEnd);
      return;
    }
    this.#waitingBytes += end - start;
    if (this.#waitingBytes > MIRROR_BYTES_MAX) this.cut();
    else this.#waiting.push(Buffer.from(bytes.subarray(start, end)));
  }

  sendTrailers(fields: Fields): void {
    this.#hasEnded = true;
    this.#trailers = fields;
    if (this.#isWritable) this.#flush();
  }

  cut(): void {
    this.#attempt?.abandon("cancelled", "cancelled");
    this.#attempt?.cutRequest();
    this.#close();
  }

  onTimer(): void {
    this.cut();
  }

  onTryOpen(attempt: UpstreamTry): void {
    this.#isWritable = true;
    if (!attempt.isBodyless) this.#flush();
  }

  onTryInformational(): void {}

  holdsAnswer(): null {
    return null;
  }

  onTryHead(_attempt: UpstreamTry, _head: ResponseHead, isEnd: boolean): void {
    if (isEnd) this.#done();
  }

  onTryData(_bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#attempt?.stream?.consume(end - start);
    if (isEnd) this.#done();
  }

  onTryTrailers(): void {
    this.#done();
  }

  onTryFailed(_attempt: UpstreamTry, _reason: ResetReason, _detail: string): void {
    this.#close();
  }

  onTryWritable(): void {
    this.#isWritable = true;
    this.#flush();
  }

  #flush(): void {
    const stream = this.#attempt?.stream ?? null;
    if (stream === null) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const [index, bytes] of waiting.entries()) {
      const isLast = this.#hasEnded && this.#trailers === null && index === waiting.length - 1;
      this.#isWritable = stream.sendData(bytes, 0, bytes.length, isLast);
    }
    if (this.#trailers !== null) stream.sendTrailers(this.#trailers);
    this.#trailers = null;
  }

  #done(): void {
    if (!this.#hasEnded) this.#attempt?.cutRequest();
    this.#close();
  }

  #close(): void {
    this.#deps.wheel.cancel(this.#deadline);
    this.#attempt = null;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#releasePlace?.();
    this.#releasePlace = null;
  }
}
