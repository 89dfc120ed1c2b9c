// Reads graphs as JSON lines ([nodes, edges]), lays each out by dagre with its defaults from left
// to right, and prints every node's middle and every edge's points.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const dagre = createRequire(process.argv[2] + "/")("@dagrejs/dagre");

for await (const line of createInterface({ input: process.stdin })) {
  const [count, edges] = JSON.parse(line);
  const g = new dagre.graphlib.Graph({ multigraph: true });
  g.setGraph({ rankdir: "LR" });
  g.setDefaultEdgeLabel(() => ({}));
  for (let v = 0; v < count; v++) g.setNode(String(v), { width: 40, height: 24 });
  edges.forEach(([a, b], k) => g.setEdge(String(a), String(b), {}, String(k)));
  const began = performance.now();
  dagre.layout(g);
  const seconds = (performance.now() - began) / 1000;
  const at = [...Array(count).keys()].map((v) => [g.node(String(v)).x, g.node(String(v)).y]);
  const routes = edges.map(([a, b], k) =>
    g.edge({ v: String(a), w: String(b), name: String(k) }).points.map((p) => [p.x, p.y]));
  console.log(JSON.stringify({ at, routes, seconds }));
}
