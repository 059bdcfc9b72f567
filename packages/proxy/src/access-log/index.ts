export { checkAccessLog, createAccessLog } from "./access-log.ts";
export type { AccessLog } from "./access-log.ts";
export { isSecretName, maskQuery } from "./mask-query.ts";
