/** Names of parameters and headers that carry credentials: words anywhere in the name, and short names as a whole. */
const SECRET_NAME =
  /token|secret|passw|pwd|api[-_.]?key|auth|cookie|credential|signature|session|jwt|assertion|verifier|^(?:sig|key|code|sid)$/i;

/** Whether a parameter or header of this name is taken to carry a credential. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** One parameter: everything up to the next separator, so that matching is linear. */
const PARAMETER = /[^&;#]+/g;

/** A request target with the values of parameters that are known to carry credentials replaced by `***`. */
export function maskQuery(path: string): string {
  const query = path.indexOf("?");
  if (query < 0 || path.indexOf("=", query) < 0) return path;
  return path.slice(0, query + 1) + path.slice(query + 1).replaceAll(PARAMETER, maskParameter);
}

function maskParameter(parameter: string): string {
  const equals = parameter.indexOf("=");
  return equals > 0 && isSecretName(parameter.slice(0, equals)) ? `${parameter.slice(0, equals)}=***` : parameter;
}
