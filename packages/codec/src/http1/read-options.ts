/** What limits and governs the reading of messages. */
export interface Http1ReadOptions {
  /** Bytes of a head with its first line and the empty line. */
  readonly headerBytesMax: number;
  /** Field lines of a head, and of trailers. */
  readonly headersMax: number;
  readonly trailerBytesMax: number;
  /** Bytes of all chunk extensions of a message. */
  readonly chunkExtensionBytesMax: number;
  /** Bytes of a body; 0 for no limit. */
  readonly bodyBytesMax: number;
  /** What is done with fields whose names hold an underscore; at the edge they are refused or left out. */
  readonly underscores: "allow" | "drop" | "reject";
}

/** What limits and governs the reading of requests. */
export interface Http1RequestReadOptions extends Http1ReadOptions {
  readonly targetBytesMax: number;
}
