/// How the page looks. Colors also differ in lightness, for color-blind readers and for print.
let pageStyle: StaticString = """
  :root { --ground: #fbfbfa; --card: #fff; --ink: #1d2127; --soft: #5d6673; --line: #dfe2e6; --job: #2f6bd0;
    --start: #e8a317; --upkeep: #8d68c7; --idle: #eceef1; --none: #c3c8cf; --bad: #c92a2a; --ok: #2b8a6b;
    --timeout: #d9730d; --crashed: #8b1e3f; --quarantined: #4a2a78; --cancelled: #848e9a; --expired: #b08d00;
    --advice: #fff6db; --advice-line: #e8c45c; }
  @media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1b1f25; --ink: #e4e7eb; --soft: #98a2ae;
    --line: #30363e; --job: #5b93ec; --start: #e8b23f; --upkeep: #a98be0; --idle: #262b32; --none: #4a525d;
    --bad: #ff7b72; --ok: #46ad8b; --timeout: #f0954a; --crashed: #d16a92; --quarantined: #a17fd0;
    --cancelled: #7d8794; --expired: #cbb04a; --advice: #2e2814; --advice-line: #7d6a24; } }
  * { box-sizing: border-box; }
  html { -webkit-text-size-adjust: 100%; }
  body { margin: 0; background: var(--ground); color: var(--ink);
    font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
    font-variant-numeric: tabular-nums; }
  main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
  h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -.01em; overflow-wrap: anywhere; }
  h2 { font-size: 18px; margin: 0 0 4px; }
  h3 { font-size: 12px; margin: 20px 0 6px; color: var(--soft); text-transform: uppercase; letter-spacing: .06em; }
  p { margin: 0 0 8px; }
  .command, pre { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
  .command { color: var(--soft); overflow-wrap: anywhere; white-space: pre-wrap; }
  .verdict { font-size: 18px; font-weight: 600; margin: 16px 0 20px; }
  .good { color: var(--ok); } .bad { color: var(--bad); }
  .note { color: var(--soft); font-size: 13px; }
  section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px;
    margin: 0 0 20px; }
  aside { background: var(--advice); border: 1px solid var(--advice-line); border-radius: 10px; padding: 12px 24px;
    margin: 0 0 20px; }
  aside strong { margin-right: 8px; }
  .figures h2 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .group { display: grid; grid-template-columns: 130px 1fr; padding: 8px 0; border-top: 1px solid var(--line); }
  .group:first-of-type { border-top: 0; padding-top: 0; } .group:last-child { padding-bottom: 0; }
  .group h3 { margin: 3px 0 0; }
  dl { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 8px 16px; margin: 0; }
  dt { font-size: 12px; color: var(--soft); } dd { margin: 0; font-size: 19px; font-weight: 600; white-space: nowrap;
    letter-spacing: -.01em; }
  .plot { position: relative; margin-top: 26px; border-bottom: 1px solid var(--soft); }
  .plot svg { position: relative; display: block; width: 100%; height: 100%; z-index: 1; }
  .tall { height: 190px; } .low { height: 70px; }
  .rule { position: absolute; left: 0; right: 0; border-top: 1px solid var(--line); }
  .rule span { position: absolute; left: 0; bottom: 1px; font-size: 11px; line-height: 1.2; color: var(--soft);
    background: var(--card); padding-right: 4px; z-index: 2; border-radius: 3px; }
  .axis { position: relative; height: 20px; font-size: 11px; color: var(--soft); }
  .axis span { position: absolute; top: 3px; transform: translateX(-50%); white-space: nowrap; }
  .axis span:first-child[style="left:0.00%"] { transform: none; }
  .axis span[style^="left:99"], .axis span[style^="left:100"],
  .axis span[style^="left:98"] { transform: translateX(-100%); }
  .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 8px 0 4px; font-size: 13px; }
  .legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
    vertical-align: -1px; }
  i.idle { border: 1px solid var(--none); }
  .legend i.line { width: 0; height: 14px; border-radius: 0; border-left: 2px solid var(--ink); background: none;
    vertical-align: -2px; }
  .legend i.p90 { border-left-style: dashed; } .legend i.p99 { border-left-style: dotted; }
  .legend i.death { border-color: var(--bad); }
  i.ok { background: var(--ok); } i.failed { background: var(--bad); } i.timeout { background: var(--timeout); }
  i.crashed { background: var(--crashed); } i.quarantined { background: var(--quarantined); }
  i.cancelled { background: var(--cancelled); } i.expired { background: var(--expired); }
  i.job { background: var(--job); }
  i.start { background: var(--start); } i.upkeep { background: var(--upkeep); } i.idle { background: var(--idle); }
  i.none { background: var(--none); }
  path.ok { fill: var(--ok); } path.failed { fill: var(--bad); } path.waiting { fill: var(--cancelled); }
  .job { fill: var(--job); } .start { fill: var(--start); } .upkeep { fill: var(--upkeep); }
  .none { fill: var(--none); }
  path.median, path.p90, path.p99, path.death { fill: none; stroke: var(--ink); stroke-width: 1.5;
    vector-effect: non-scaling-stroke; }
  path.p90 { stroke-dasharray: 5 4; } path.p99 { stroke-dasharray: 2 3; }
  path.death { stroke: var(--bad); stroke-width: 2; }
  .hint { fill: transparent; } .hint:hover { fill: var(--ink); fill-opacity: .12; }
  .bar { display: flex; height: 22px; border-radius: 5px; overflow: hidden; margin: 10px 0; gap: 1px; }
  .bar i { min-width: 3px; }
  .slots { display: grid; grid-template-columns: auto 1fr auto; gap: 2px 8px; align-items: center; margin-top: 8px;
    font-size: 11px; line-height: 12px; }
  .slots b { font-weight: 400; color: var(--soft); text-align: right; } .slots > span { text-align: right; }
  .slots svg { display: block; width: 100%; height: 12px; background: var(--idle); border-radius: 2px; }
  .slots.few { gap: 4px 10px; font-size: 12px; } .few svg { height: 22px; }
  .wide { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
  table { border-collapse: collapse; width: 100%; font-size: 13px; }
  caption { text-align: left; color: var(--soft); padding: 4px 0; }
  th, td { text-align: left; padding: 5px 16px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  td:last-child, th:last-child { padding-right: 0; }
  thead th { font-size: 12px; color: var(--soft); font-weight: 600; white-space: nowrap; }
  tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 9em; }
  .n { text-align: right; white-space: nowrap; }
  tbody tr:last-child > * { border-bottom: 0; }
  details { margin-top: 12px; font-size: 13px; } summary { cursor: pointer; color: var(--soft); }
  details .wide { max-height: 360px; overflow-y: auto; }
  .jobs { list-style: none; margin: 0; padding: 0; }
  .jobs li { border-top: 1px solid var(--line); padding: 10px 0 4px; break-inside: avoid; }
  .jobs p { margin: 0 0 2px; overflow-wrap: anywhere; }
  .jobs em { font-style: normal; font-weight: 600; color: var(--bad); margin-right: 4px; }
  pre { background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px;
    margin: 6px 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
  @media (max-width: 640px) { main { padding: 20px 12px 40px; } section { padding: 16px; } aside { padding: 12px 16px; }
    dl { grid-template-columns: repeat(3, minmax(0, 1fr)); } dd { font-size: 16px; }
    .group { grid-template-columns: 1fr; } .wide { margin: 0 -16px; padding: 0 16px; } .tall { height: 150px; }
    .axis span:nth-child(even) { display: none; } th, td { padding-right: 12px; } }
  @media print { :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; }
    body { font-size: 10pt; } main { max-width: none; padding: 0; } section { border: 0; padding: 0; }
    details { display: none; }
    .plot, .slots, .bar, tr { break-inside: avoid; } h2, h3, .note { break-after: avoid; } dd { font-size: 12pt; }
    svg, i { -webkit-print-color-adjust: exact; print-color-adjust: exact; } .wide { overflow: visible; } }
  """
