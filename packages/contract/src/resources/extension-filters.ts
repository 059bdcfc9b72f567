import type { DurationText, ResourceBase } from "./metadata.ts";

/** Filter by ExtensionRef: some requests wait, some fail. Percentages are numbers, 0 to 100. */
export type FaultResource = ResourceBase<"weft.dev/v1", "Fault", FaultSpec>;

/** At least one of the two. */
export interface FaultSpec {
  readonly delay?: { readonly percentage: number; readonly duration: DurationText };
  readonly abort?: {
    readonly percentage: number;
    readonly httpStatus: number;
    /** For gRPC requests; default: derived from `httpStatus`. */
    readonly grpcStatus?: number;
  };
}

/** Filter by ExtensionRef: marks requests, end to end (load tests, canaries). */
export type ColourResource = ResourceBase<"weft.dev/v1", "Colour", ColourSpec>;

/** The mark: a header field and its value. */
export interface ColourSpec {
  /** Field that carries the mark; default "x-weft-colour". */
  readonly header?: string;
  readonly value: string;
}

/** Filter by ExtensionRef: answers at once, without a backend. */
export type DirectResponseResource = ResourceBase<"weft.dev/v1", "DirectResponse", DirectResponseSpec>;

/** The answer. */
export interface DirectResponseSpec {
  readonly status: number;
  /** Default "". */
  readonly body?: string;
  /** Default "text/plain; charset=utf-8". */
  readonly contentType?: string;
}
