/** Status of Bolt responses (sofa-bolt: ResponseStatus). Java peers throw on any other, so there is none of our own. */
export const STATUS_SUCCESS = 0;
export const STATUS_SERVER_EXCEPTION = 2;
export const STATUS_UNKNOWN = 3;
export const STATUS_SERVER_BUSY = 4;
export const STATUS_COMMUNICATION_ERROR = 5;
export const STATUS_NO_PROCESSOR = 6;
export const STATUS_TIMEOUT = 7;
export const STATUS_CLIENT_SEND_ERROR = 8;
export const STATUS_CODEC_EXCEPTION = 9;
export const STATUS_CONNECTION_CLOSED = 0x10;
export const STATUS_SERVER_DESERIAL_EXCEPTION = 0x12;

/** A Bolt status in HTTP's words. A success may still hold an exception of the application's, in the opaque body. */
export function httpStatusOf(status: number): number {
  switch (status) {
    case STATUS_SUCCESS:
      return 200;
    case STATUS_SERVER_DESERIAL_EXCEPTION:
      return 400;
    case STATUS_NO_PROCESSOR:
      return 404;
    case STATUS_COMMUNICATION_ERROR:
    case STATUS_CLIENT_SEND_ERROR:
    case STATUS_CONNECTION_CLOSED:
      return 502;
    case STATUS_SERVER_BUSY:
      return 503;
    case STATUS_TIMEOUT:
      return 504;
    default:
      return 500;
  }
}

/** The same status where peers know it, else UNKNOWN. */
export function knownStatusOf(status: number): number {
  const isKnown =
    (status >= STATUS_SUCCESS && status <= STATUS_CODEC_EXCEPTION) ||
    (status >= STATUS_CONNECTION_CLOSED && status <= STATUS_SERVER_DESERIAL_EXCEPTION);
  return isKnown ? status : STATUS_UNKNOWN;
}

/**
 * The Bolt status of an answer that is not a Bolt frame's: the proxy's own, or another protocol's. Never SUCCESS, which
 * would need a body in the request's serialization.
 */
export function boltStatusOf(httpStatus: number): number {
  switch (httpStatus) {
    case 400:
      return STATUS_SERVER_DESERIAL_EXCEPTION;
    case 401:
    case 403:
    case 500:
      return STATUS_SERVER_EXCEPTION;
    case 404:
    case 421:
      return STATUS_NO_PROCESSOR;
    case 408:
    case 504:
      return STATUS_TIMEOUT;
    case 413:
    case 414:
    case 431:
      return STATUS_CODEC_EXCEPTION;
    case 429:
    case 503:
      return STATUS_SERVER_BUSY;
    case 502:
      return STATUS_CONNECTION_CLOSED;
    default:
      return STATUS_UNKNOWN;
  }
}
