/** The two backends; which of them answers depends on the revision. */
export const BACKENDS = ["blue", "green"] as const;

/** The weights of the backends in a revision: one, the other, both, in turn. */
export function weightsOf(revision: number): readonly [blue: number, green: number] {
  const turn = revision % 3;
  return [turn === 1 ? 0 : 1, turn === 0 ? 0 : 1];
}

/** What a backend answers to a request that was routed by `revision`: the proxy tells it so in a field. */
export function renderBody(backend: string, revision: string): string {
  return `${backend} ${revision}\n`;
}

/**
 * What is wrong with an answer, or "". All of it must come from one and the same configuration: the field that the request
 * had at the backend, the choice of the backend, and the field of the answer. `revisionMin` is what this connection has
 * seen before: a configuration does not go back.
 */
export function checkAnswer(status: number, revision: string, body: string, revisionMin: number): string {
  if (status !== 200) return `status ${status}: ${body.trim().slice(0, 200)}`;
  const number = Number(revision);
  if (revision === "" || !Number.isSafeInteger(number)) return `revision "${revision}"`;
  const weights = weightsOf(number);
  const isRight = BACKENDS.some((backend, at) => (weights[at] ?? 0) > 0 && body === renderBody(backend, revision));
  if (!isRight) return `an answer of two configurations: revision ${revision}, but the body is ${JSON.stringify(body)}`;
  return number < revisionMin ? `revision ${revision} after ${revisionMin}` : "";
}
