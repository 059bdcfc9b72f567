export type { AccessLog } from "./access-log.ts";
export type { AccessRecord } from "./access-record.ts";
