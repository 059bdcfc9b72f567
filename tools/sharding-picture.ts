/** docs/sharding.svg: how many connections each server has, drawn from what the four algorithms really do. */
import { type ShardAlgorithm, type ShardHost, ShardView } from "@weft/proxy";

const CLIENTS = 1000;
const SERVERS = 100;
const SIZE = 20;

const ALGORITHMS: readonly (readonly [name: ShardAlgorithm, moves: string])[] = [
  ["ring", "a server that goes moves its own connections, to the servers that follow it"],
  ["rendezvous", "a server that goes moves its own connections"],
  ["rounds", "a server that goes moves nearly all connections"],
  ["draft", "a server that goes moves its own connections and about half as many others"],
];

const PANEL = { width: 700, height: 120, gap: 46, left: 46, top: 30, barWidth: 7 } as const;
/** Connections at the upper edge of a panel: twice the mean. */
const SCALE_MAX = (2 * CLIENTS * SIZE) / SERVERS;

function countConnections(algorithm: ShardAlgorithm): readonly number[] {
  const hosts: readonly ShardHost[] = Array.from({ length: SERVERS }, (_, index) => ({
    key: `10.0.0.${index}:12200`,
    configuredWeight: 1,
    zone: "",
  }));
  const counts = new Map(hosts.map(({ key }) => [key, 0]));
  for (let index = 0; index < CLIENTS; index++) {
    const client = { key: `10.1.${index >> 8}.${index & 255}`, index, zone: "" };
    const view = new ShardView<ShardHost>({ algorithm, client, isZoneAware: false });
    const { members } = view.update({ hosts, isUsable: () => true, size: SIZE, zoneClients: null, spillBelow: 0 });
    for (const { key } of members) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts.values()].toSorted((a, b) => b - a);
}

function renderPanel(algorithm: ShardAlgorithm, moves: string, place: number): string {
  const counts = countConnections(algorithm);
  const mean = (CLIENTS * SIZE) / SERVERS;
  const top = PANEL.top + place * (PANEL.height + PANEL.gap);
  const bottom = top + PANEL.height;
  const yOf = (count: number): string => (bottom - (Math.min(count, SCALE_MAX) / SCALE_MAX) * PANEL.height).toFixed(1);
  const bars = counts.map((count, index) => {
    const y = yOf(count);
    const height = (bottom - Number(y)).toFixed(1);
    return `<rect x="${PANEL.left + index * PANEL.barWidth}" y="${y}" width="${PANEL.barWidth - 1}" height="${height}"/>`;
  });
  const right = PANEL.left + SERVERS * PANEL.barWidth;
  const limit = `<line class="limit" x1="${PANEL.left}" x2="${right}" y1="${yOf(mean * 1.1)}" y2="${yOf(mean * 1.1)}"/>`;
  const ratio = ((counts[0] ?? 0) / mean).toFixed(2);
  return `<g${algorithm === "draft" ? ' class="own"' : ""}>
<text x="${PANEL.left}" y="${top - 8}"><tspan class="name">${algorithm}</tspan>: max/mean ${ratio}; ${moves}</text>
<text class="axis" x="${PANEL.left - 6}" y="${Number(yOf(mean)) + 4}">${mean}</text>
${bars.join("\n")}
${limit}
</g>`;
}

/** The picture as it should be. */
export function renderShardingPicture(): string {
  const width = PANEL.left + PANEL.width + 20;
  const height = PANEL.top + ALGORITHMS.length * (PANEL.height + PANEL.gap);
  const panels = ALGORITHMS.map(([algorithm, moves], place) => renderPanel(algorithm, moves, place));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Connections per server, most first: ${CLIENTS} clients, each connected to ${SIZE} of ${SERVERS} servers; the line is 1.10 of the mean</title>
<style>rect{fill:#adb5bd}.own rect{fill:#0b7285}.limit{stroke:#c92a2a;stroke-dasharray:4 3}text{font:13px system-ui,sans-serif;fill:#495057}.name{font-weight:bold}.axis{text-anchor:end;font-size:11px}</style>
<rect style="fill:#fff" width="${width}" height="${height}"/>
${panels.join("\n")}
</svg>
`;
}
