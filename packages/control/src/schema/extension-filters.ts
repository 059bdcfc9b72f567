import { type ColourResource, type DirectResponseResource, type FaultResource, FRAMING_FIELDS } from "@weft/contract";
import * as z from "zod";
import { checked, headerName, headerValue, integer, object, optional, percentage, positiveDuration } from "./fields.ts";
import { DIRECT_RESPONSE_BYTES_MAX } from "../limits.ts";
import { resource } from "./metadata.ts";

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

const bodyExpected = `a text of at most ${DIRECT_RESPONSE_BYTES_MAX} bytes`;
const body = z
  .string({ error: bodyExpected })
  .refine((value) => Buffer.byteLength(value) <= DIRECT_RESPONSE_BYTES_MAX, { error: bodyExpected });

/** Weft's DirectResponse. */
export const directResponseSchema: z.ZodType<DirectResponseResource> = resource(
  ["weft.dev/v1"],
  "DirectResponse",
  checked(
    object({
      status: integer(200, 599),
      body: optional(body),
      contentType: optional(headerValue),
    }),
    ({ status, body = "" }, report) => {
      if ((status === 204 || status === 304) && body !== "") report(["body"], `no body with status ${status}`);
    },
  ),
);
