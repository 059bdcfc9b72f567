/** What happened on all connections of one options record; nobody but the codec adds to it. */
export class RpcCounts {
  /** Answers to requests that had been given up. */
  lateAnswers: number = 0;
  /** Answers that belong to no request: made up, or given twice. */
  unknownAnswers: number = 0;
  /** Requests answered by the codec itself: too many, too large, malformed, or while draining. */
  refusedRequests: number = 0;
  /** Frames that were longer than `frameBytesMax` and thrown away. */
  oversizedFrames: number = 0;
  /** Changes of fields that could not be written into a frame and were left out. */
  unappliedChanges: number = 0;
}
