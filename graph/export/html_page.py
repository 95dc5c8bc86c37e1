"""What is the same on every exported page: its frame, its look, and how it is moved and searched.

Names never become markup: the script writes them as text.
"""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>flowtap: the graph</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>flowtap</h1><span>{about}</span>
<input id="search" type="search" placeholder="Search (/)" aria-label="Search">
<button id="fit" type="button">Fit</button>
</header>
<main>
<svg id="graph" data-width="{width}" data-height="{height}" role="img" \
aria-label="Who produces and consumes what">
<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" \
orient="auto"><path d="M0,0L8,4L0,8z"/></marker></defs>
<g id="all">
{drawn}
</g>
</svg>
<aside id="details" hidden></aside>
</main>
<footer>solid: observed, declared or matched &nbsp; dashed: inferred, or one end is not known \
&nbsp; red: errors &nbsp; drag to move, wheel to zoom, click a node</footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1c1f24; --dim: #667080;
  --service: #0b6e8f; --place: #7a4bb0; --bad: #b3261e; --line: #9aa4b2; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --ink: #e6e9ee; --dim: #98a2b3;
  --service: #5cc3e0; --place: #c29bf0; --bad: #ff8a80; --line: #566070; } }
* { box-sizing: border-box; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; background: var(--ground);
  color: var(--ink); font: 14px system-ui, sans-serif; }
header, footer { display: flex; gap: 1em; align-items: center; padding: 6px 12px; }
footer { color: var(--dim); font-size: 12px; display: block; }
h1 { font-size: 16px; margin: 0; } header span { color: var(--dim); }
#search { margin-left: auto; width: 16em; padding: 4px 8px; font: inherit; }
button { font: inherit; padding: 4px 10px; }
main { flex: 1; min-height: 0; display: flex; border-block: 1px solid var(--line); }
svg { flex: 1; min-width: 0; cursor: grab; touch-action: none; }
svg.held { cursor: grabbing; }
.node rect { fill: var(--ground); stroke: var(--service); stroke-width: 1.5; }
.node.destination rect, .node.event rect { stroke: var(--place); }
.node.dashed rect { stroke-dasharray: 5 3; }
.node text { fill: var(--ink); text-anchor: middle; dominant-baseline: central;
  font: 13px system-ui, sans-serif; pointer-events: none; }
.node { cursor: pointer; } .node:focus { outline: none; }
.node:focus rect, .node.chosen rect { stroke-width: 3.5; }
.edge { fill: none; stroke: var(--line); stroke-width: 1.4; marker-end: url(#head); }
.edge.dashed { stroke-dasharray: 6 4; } .edge.call { stroke-dasharray: 1 3; }
.edge.failed { stroke: var(--bad); } #head path { fill: var(--dim); }
.faint { opacity: .13; }
aside { width: 22em; max-width: 45%; overflow: auto; padding: 10px 14px;
  border-left: 1px solid var(--line); }
aside h2 { font-size: 15px; margin: 0 0 4px; overflow-wrap: anywhere; }
aside p { margin: 2px 0; overflow-wrap: anywhere; } aside .dim { color: var(--dim); }
aside h3 { font-size: 13px; margin: 12px 0 2px; } aside .bad { color: var(--bad); }
"""

SCRIPT = """
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const svg = document.getElementById('graph'), all = document.getElementById('all');
  const aside = document.getElementById('details'), search = document.getElementById('search');
  const nodes = [...document.querySelectorAll('[data-node]')];
  const edges = [...document.querySelectorAll('[data-edge]')];
  let x = 0, y = 0, scale = 1, chosen = -1;

  const show = () => all.setAttribute('transform', `translate(${x},${y}) scale(${scale})`);
  const fit = () => {
    const box = svg.getBoundingClientRect();
    const width = Number(svg.dataset.width) || 1, height = Number(svg.dataset.height) || 1;
    scale = Math.min(1.2, box.width / width, box.height / height) || 1;
    x = (box.width - width * scale) / 2;
    y = (box.height - height * scale) / 2;
    show();
  };
  const zoom = (factor, atX, atY) => {
    const next = Math.min(6, Math.max(.05, scale * factor));
    x = atX - (atX - x) * next / scale;
    y = atY - (atY - y) * next / scale;
    scale = next;
    show();
  };

  svg.addEventListener('wheel', (event) => {
    event.preventDefault();
    const box = svg.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  let held = null;
  svg.addEventListener('pointerdown', (event) => {
    held = {x: event.clientX - x, y: event.clientY - y, moved: false};
  });
  window.addEventListener('pointermove', (event) => {
    if (!held) return;
    const toX = event.clientX - held.x, toY = event.clientY - held.y;
    if (!held.moved && Math.hypot(toX - x, toY - y) < 4) return;
    held.moved = true;
    svg.classList.add('held');
    [x, y] = [toX, toY];
    show();
  });
  window.addEventListener('pointerup', (event) => {
    const moved = held && held.moved, began = held;
    held = null;
    svg.classList.remove('held');
    if (!began || moved) return;
    const node = event.target.closest('[data-node]');
    choose(node ? Number(node.dataset.node) : -1);
  });

  const line = (text, name) => {
    const made = document.createElement('p');
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const heading = (level, text) => {
    const made = document.createElement(level);
    made.textContent = text;
    return made;
  };
  const count = (number) => number.toLocaleString('en');
  const seconds = (value) => value < 1 ? `${+(value * 1000).toPrecision(3)} ms` :
    `${+value.toPrecision(3)} s`;
  const told = (edge, end) => {
    const parts = [heading('h3', data.nodes[end].title)];
    if (edge.types.length) parts.push(line(edge.types.join(', ')));
    parts.push(line(`${edge.role}${edge.group ? ` as ${edge.group}` : ''}: ` +
      `${count(edge.count)}, ${edge.evidence}`, 'dim'));
    if (edge.errors) parts.push(line(`${count(edge.errors)} failed`, 'bad'));
    const times = ['p50', 'p95', 'p99'].filter((name) => name in edge)
      .map((name) => `${name} ${seconds(edge[name])}`);
    if (times.length) parts.push(line(times.join(', '), 'dim'));
    if ('wait_p95' in edge) parts.push(line(`waits: p95 ${seconds(edge.wait_p95)}`, 'dim'));
    if (edge.seen) parts.push(line(`last seen ${edge.seen}Z`, 'dim'));
    return parts;
  };

  function choose(number) {
    chosen = number;
    aside.hidden = number < 0;
    aside.replaceChildren();
    if (number >= 0) {
      const node = data.nodes[number];
      aside.append(heading('h2', node.title), line([node.kind, ...node.about].join(', '), 'dim'),
        line(`${count(node.in)} in, ${count(node.out)} out`));
      if (node.errors) aside.append(line(`${count(node.errors)} failed`, 'bad'));
      for (const edge of data.edges) {
        if (edge.target === number) aside.append(...told(edge, edge.source));
        else if (edge.source === number) aside.append(...told(edge, edge.target));
      }
    }
    faint();
  }

  function faint() {
    const text = search.value.trim().toLowerCase();
    const has = (...texts) => texts.some((one) => one.toLowerCase().includes(text));
    const lit = data.nodes.map((node, number) =>
      (!text || has(node.title, node.kind)) && (chosen < 0 || chosen === number));
    const edgeLit = data.edges.map((edge) => {
      const ends = chosen >= 0 ? edge.source === chosen || edge.target === chosen :
        !text || lit[edge.source] || lit[edge.target] || has(edge.group, ...edge.types);
      return ends;
    });
    const beside = new Set(lit.flatMap((on, number) => on ? [number] : []));
    data.edges.forEach((edge, number) => {
      if (edgeLit[number]) beside.add(edge.source).add(edge.target);
    });
    nodes.forEach((node, number) => {
      node.classList.toggle('faint', !beside.has(number));
      node.classList.toggle('chosen', number === chosen || Boolean(text) && lit[number]);
    });
    edges.forEach((edge, number) => edge.classList.toggle('faint', !edgeLit[number]));
  }

  search.addEventListener('input', faint);
  document.getElementById('fit').addEventListener('click', fit);
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === 'Escape') {
      search.value = '';
      search.blur();
      choose(-1);
    } else if (event.key === 'Enter' && document.activeElement.dataset.node) {
      choose(Number(document.activeElement.dataset.node));
    }
  });
  window.addEventListener('resize', fit);
  fit();
})();
"""
