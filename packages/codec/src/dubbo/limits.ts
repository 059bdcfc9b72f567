/** Values within values in a hessian2 body; deeper ones are passed on without their attachments being read. */
export const HESSIAN_DEPTH_MAX = 64;

/** Class definitions in a hessian2 body; a body with more is passed on without its attachments being read. */
export const HESSIAN_CLASSES_MAX = 1024;

/** Attachments of one request; a request with more is passed on without them being read. */
export const ATTACHMENTS_MAX = 256;

/** Bytes of a heartbeat's body, which goes back as it came: a null is a few bytes in every serialization. */
export const HEARTBEAT_BODY_BYTES_MAX = 64;
