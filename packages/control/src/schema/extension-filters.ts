import type { ColourResource, DirectResponseResource, FaultResource } from "@weft/contract";
import type { z } from "zod";
import {
  checked,
  headerName,
  headerValue,
  integer,
  object,
  optional,
  percentage,
  positiveDuration,
  text,
} from "./fields.ts";
import { resource } from "./metadata.ts";
import { FRAMING_FIELDS } from "./route-filters.ts";

/** Weft's Fault. */
export const faultSchema: z.ZodType<FaultResource> = resource(
  ["weft.dev/v1"],
  "Fault",
  checked(
    object({
      delay: optional(object({ percentage, duration: positiveDuration })),
      abort: optional(object({ percentage, httpStatus: integer(200, 599), grpcStatus: optional(integer(1, 16)) })),
    }),
    ({ delay, abort }, report) => {
      if (delay === undefined && abort === undefined) report([], "delay, abort or both");
    },
  ),
);

/** Weft's Colour. */
export const colourSchema: z.ZodType<ColourResource> = resource(
  ["weft.dev/v1"],
  "Colour",
  checked(object({ header: optional(headerName), value: headerValue }), ({ header }, report) => {
    if (header !== undefined && FRAMING_FIELDS.has(header.toLowerCase())) {
      report(["header"], "a header that does not frame the message");
    }
  }),
);

/** Bytes of a fixed answer: more is a file to serve, which a proxy is not for. */
const BODY_CHARS_MAX = 65_536;

/** Weft's DirectResponse. */
export const directResponseSchema: z.ZodType<DirectResponseResource> = resource(
  ["weft.dev/v1"],
  "DirectResponse",
  checked(
    object({
      status: integer(200, 599),
      body: optional(text(`a text of at most ${BODY_CHARS_MAX} characters`, BODY_CHARS_MAX, /^[^]*$/)),
      contentType: optional(headerValue),
    }),
    ({ status, body = "" }, report) => {
      if ((status === 204 || status === 304) && body !== "") report(["body"], `no body with status ${status}`);
    },
  ),
);
