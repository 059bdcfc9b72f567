/** Status of Dubbo responses (apache/dubbo: Response). */
export const STATUS_OK = 20;
export const STATUS_CLIENT_TIMEOUT = 30;
export const STATUS_SERVER_TIMEOUT = 31;
export const STATUS_CHANNEL_INACTIVE = 35;
export const STATUS_BAD_REQUEST = 40;
export const STATUS_BAD_RESPONSE = 50;
export const STATUS_SERVICE_NOT_FOUND = 60;
export const STATUS_SERVICE_ERROR = 70;
export const STATUS_SERVER_ERROR = 80;
export const STATUS_THREADPOOL_EXHAUSTED = 100;

/** A Dubbo status in HTTP's words. OK may still hold an exception of the application's, in the opaque body. */
export function httpStatusOf(status: number): number {
  switch (status) {
    case STATUS_OK:
      return 200;
    case STATUS_BAD_REQUEST:
      return 400;
    case STATUS_SERVICE_NOT_FOUND:
      return 404;
    case STATUS_CHANNEL_INACTIVE:
    case STATUS_BAD_RESPONSE:
      return 502;
    case STATUS_THREADPOOL_EXHAUSTED:
      return 503;
    case STATUS_CLIENT_TIMEOUT:
    case STATUS_SERVER_TIMEOUT:
      return 504;
    default:
      return 500;
  }
}

/** The Dubbo status, one that also old peers know, of an answer that is not a Dubbo frame's. Never OK, which has a body. */
export function dubboStatusOf(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
    case 413:
    case 414:
    case 431:
      return STATUS_BAD_REQUEST;
    case 401:
    case 403:
      return STATUS_SERVICE_ERROR;
    case 404:
    case 421:
      return STATUS_SERVICE_NOT_FOUND;
    case 408:
    case 504:
      return STATUS_SERVER_TIMEOUT;
    case 429:
    case 503:
      return STATUS_THREADPOOL_EXHAUSTED;
    case 502:
      return STATUS_BAD_RESPONSE;
    default:
      return STATUS_SERVER_ERROR;
  }
}
