import type { Http2Stream } from "./stream.ts";

/** What a stream looked like when it was found waiting. */
interface Sighting {
  /** Bytes that waited, and bytes that had left the stream's queue before. */
  readonly waitingBytes: number;
  readonly takenBytes: number;
}

/**
 * Finds streams whose peer does not take what waits for it, by looking at them now and then. One byte in an hour is not
 * taking either: of what waited at one look, all or a minimum must be gone by the next.
 *
 *     look        waits 60,000          waits 59,990          10 taken: stalled
 *     look        waits 300             waits 400             300 taken, all that waited: fine
 *
 * A stream whose own window is open waits for the connection's, which others may rightly use up. It is to blame only
 * when all streams together got less than the minimum; else its sighting stays as it is until it can be judged.
 */
export class StallWatch<Stream extends Http2Stream> {
  #sightings: Map<Stream, Sighting> = new Map();
  #sentBytes: number = 0;

  /** Looks at all streams that wait; `sentBytes` is what the connection sent so far. Returns those that are stalled. */
  look(waiting: readonly Stream[], sentBytes: number, bytesMin: number): readonly Stream[] {
    const isConnectionStalled = sentBytes - this.#sentBytes < bytesMin;
    this.#sentBytes = sentBytes;
    const sightings = new Map<Stream, Sighting>();
    const stalled: Stream[] = [];
    for (const stream of waiting) {
      const takenBytes = stream.pending?.takenBytes ?? 0;
      const before = this.#sightings.get(stream);
      const isSlow = before !== undefined && takenBytes - before.takenBytes < Math.min(before.waitingBytes, bytesMin);
      if (!isSlow) sightings.set(stream, { waitingBytes: stream.pendingBytes, takenBytes });
      else if (stream.sendWindow <= 0 || isConnectionStalled) stalled.push(stream);
      else sightings.set(stream, before);
    }
    this.#sightings = sightings;
    return stalled;
  }
}
