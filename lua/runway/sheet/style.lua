-- style.lua: how the contact sheet looks: on a phone, at a desk, at night and on paper.

return [[
:root { color-scheme: light dark; --ground: #f3f2ef; --card: #fff; --ink: #1d1c1a; --soft: #66625b; --line: #dedbd4;
  --stage: #17171a; --accent: #2557c7; --good: #1d7a46; --bad: #b3261e; --odd: #8a5a00; --busy: #2557c7;
  --wait: #6b675f; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #131316; --card: #1d1d21; --ink: #ecebe8; --soft: #a5a29b; --line: #34343a; --stage: #0a0a0c;
    --accent: #8db1ff; --good: #6dd49a; --bad: #ff9b91; --odd: #f0bd5c; --busy: #8db1ff; --wait: #b0ada6; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: .5rem 1rem; background: var(--card); }
header, main, footer { max-width: 110rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2rem; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; letter-spacing: -.015em; overflow-wrap: anywhere; }
.when { margin: .3rem 0 0; color: var(--soft); }
.sums { display: flex; flex-wrap: wrap; gap: .75rem 2.25rem; margin: 1.4rem 0 1rem; }
.sums div { min-width: 4.5rem; }
.sums dt { color: var(--soft); font-size: .85rem; }
.sums dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.sums small { color: var(--soft); font-size: .85rem; font-weight: 400; }
.bar { display: block; width: 100%; height: 8px; border-radius: 4px; background: var(--line); }
.bar .done { fill: var(--good); } .bar .failed { fill: var(--bad); } .bar .unknown { fill: var(--odd); }
.bar .busy { fill: var(--busy); } .bar .waiting { fill: none; } .bar .left_out { fill: none; }
.halt { margin: 1rem 0 0; padding: .7rem 1rem; border-left: 4px solid var(--odd); background: var(--card);
  overflow-wrap: anywhere; }
.tools { position: sticky; top: 0; z-index: 2; margin: 1.25rem 0; padding: .75rem 0; background: var(--ground);
  border-bottom: 1px solid var(--line); }
.tools form { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; }
.tools fieldset { display: flex; flex-wrap: wrap; gap: .35rem; margin: 0; padding: 0; border: 0; min-width: 0; }
.tools legend, .aside { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.tools fieldset input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.tools fieldset label { position: relative; padding: .3rem .75rem; border: 1px solid var(--line); border-radius: 99px;
  background: var(--card); cursor: pointer; }
.tools fieldset label:has(:checked) { background: var(--ink); border-color: var(--ink); color: var(--ground); }
.tools fieldset label:has(:focus-visible) { outline: 3px solid var(--accent); outline-offset: 2px; }
.tools label span { font-variant-numeric: tabular-nums; opacity: .7; }
.find { display: flex; flex: 1 1 14rem; align-items: center; gap: .5rem; }
.tools input[type=search], .tools select { min-width: 0; padding: .4rem .7rem; border: 1px solid var(--line);
  border-radius: 8px; background: var(--card); color: inherit; font: inherit; }
.tools input[type=search] { flex: 1; width: 100%; }
.tools output { color: var(--soft); font-variant-numeric: tabular-nums; }
.shots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: 1.25rem;
  margin: 0; padding: 0; list-style: none; }
.shot { display: flex; flex-direction: column; min-width: 0; overflow: hidden; border: 1px solid var(--line);
  border-radius: 12px; background: var(--card); content-visibility: auto;
  contain-intrinsic-size: auto 19rem auto 30rem; }
.stage { position: relative; display: block; aspect-ratio: 16 / 9; background: var(--stage); color: #aeb0b8;
  text-decoration: none; }
.stage img, .stage video { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain;
  background: var(--stage); }
.stage video { z-index: 2; }
.stage .plain { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: .2rem;
  padding: 1rem; text-align: center; }
.stage .plain b { color: #e9e9ee; font-size: 1.6rem; font-weight: 600; line-height: 1; }
a.stage:focus-visible { outline-offset: -4px; outline-color: #8db1ff; }
a.stage[data-play]::before, a.stage[data-play]::after { content: ""; position: absolute; z-index: 1; right: .7rem;
  bottom: .7rem; width: 2.1rem; height: 2.1rem; border-radius: 50%; background: rgb(10 10 12 / .72); }
a.stage[data-play]::after { border-radius: 0; background: #fff; clip-path: polygon(38% 29%, 38% 71%, 73% 50%); }
a.stage[data-play]:hover::before, a.stage[data-play]:hover::after, a.stage[data-play]:focus-visible::before,
a.stage[data-play]:focus-visible::after { opacity: 0; }
.stage audio { position: absolute; left: .75rem; right: .75rem; bottom: .75rem; width: calc(100% - 1.5rem); }
.told { display: flex; flex: 1; flex-direction: column; gap: .6rem; padding: .9rem 1rem 1rem; }
.name { display: flex; align-items: baseline; justify-content: space-between; gap: .75rem; }
h2 { max-height: 5.2em; margin: 0; min-width: 0; overflow: auto; font-size: 1rem; font-weight: 600; line-height: 1.3;
  overflow-wrap: anywhere; }
.state { flex: none; color: var(--wait); font-size: .85rem; font-weight: 600; }
.state::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .4em;
  border-radius: 50%; background: currentcolor; }
.done .state { color: var(--good); } .failed .state { color: var(--bad); } .unknown .state { color: var(--odd); }
.busy .state { color: var(--busy); } .failed .state::before { border-radius: 1px; }
.unknown .state::before { border-radius: 1px; rotate: 45deg; }
.waiting .state::before, .left_out .state::before { background: none; box-shadow: inset 0 0 0 2px currentcolor; }
.prompt { max-height: 8.7em; margin: 0; overflow: auto; overflow-wrap: anywhere; white-space: pre-line; }
.trouble { max-height: 11em; margin: 0; padding: .5rem .7rem; overflow: auto; border-left: 3px solid var(--odd);
  border-radius: 0 6px 6px 0; background: var(--ground); overflow-wrap: anywhere; font-size: .9rem; }
.failed .trouble { border-color: var(--bad); }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; margin: auto 0 0; font-size: .85rem; }
.facts dt { color: var(--soft); font-size: .75rem; }
.facts dd { max-height: 4.4em; margin: 0; overflow: auto; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.facts div { min-width: 0; }
.facts .task { flex-basis: 100%; }
.files { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: 0; padding-top: .6rem;
  border-top: 1px solid var(--line); font-size: .85rem; overflow-wrap: anywhere; }
.files a { min-width: 0; }
.none { margin: 3rem 0; color: var(--soft); text-align: center; }
footer { padding-top: 2rem; padding-bottom: 2rem; color: var(--soft); font-size: .85rem; }
@media (max-width: 40rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem; }
  header { padding-top: 1.25rem; }
  .sums { gap: .75rem 1.6rem; }
  .sums div { min-width: 4rem; }
  .tools { position: static; }
  .tools fieldset label { padding: .45rem .8rem; }
}
@media (prefers-reduced-motion: no-preference) { .tools label { transition: background .12s; } }
@media (forced-colors: active) { .tools fieldset label:has(:checked) { outline: 2px solid; } }
@media print {
  :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --stage: #eee; --accent: #000;
    --good: #000; --bad: #000; --odd: #000; --busy: #000; --wait: #444; }
  @page { margin: 12mm; }
  body { font-size: 10px; }
  header, main, footer { max-width: none; padding: 0; }
  .tools, .skip, footer, .stage audio, a.stage[data-play]::before, a.stage[data-play]::after { display: none; }
  .sums { margin: .8rem 0; } .sums dd { font-size: 1.1rem; }
  .shots { grid-template-columns: repeat(3, 1fr); gap: 4mm; margin-top: 5mm; }
  .shot { break-inside: avoid; content-visibility: visible; }
  h2, .prompt, .trouble, .facts dd { max-height: none; overflow: visible; }
  .stage .plain, .stage .plain b { color: #444; }
}
]]
