export { createAccessLog } from "./access-log.ts";
export type { AccessLog, AccessLogCounters, AccessLogDeps } from "./access-log.ts";
export type { AccessRecord } from "./access-record.ts";
export { ACCESS_LOG_ERRORS } from "./errors.ts";
export type { AccessLogErrorCode } from "./errors.ts";
export { isSecretName, maskQuery } from "./mask-query.ts";
