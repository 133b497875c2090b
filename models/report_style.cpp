#include "models/report_parts.h"

namespace snag {

// Colours: Okabe and Ito's set, which the colour-blind tell apart, lighter on dark ground.
const char* const report_style = R"css(
:root { color-scheme: light dark; --page: #f4f6f8; --card: #fff; --ink: #16191d; --soft: #5a6470; --edge: #dde2e8;
  --grid: #e7eaee; --normal: #0072b2; --odd: #d55e00; --t1: #00815e; --t2: #a8478c; --t3: #b07a00; --t4: #16191d;
  --on: #fff; --wrong: #b34700; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0e1114; --card: #171b20; --ink: #e9ecef; --soft: #9ba6b2; --edge: #2a3138; --grid: #262c33;
    --normal: #56b4e9; --odd: #f08a3c; --t1: #2fc79a; --t2: #e596c8; --t3: #f0c34a; --t4: #e9ecef; --on: #0e1114; --wrong: #f08a3c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 40px; line-height: 1.1; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 22px; margin: 44px 0 14px; }
h2 small { color: var(--soft); font-size: 15px; font-weight: 400; }
h3 { font-size: 16px; margin: 0 0 6px; }
.kicker, .normal, .remark { margin: 0; color: var(--soft); }
.remark { font-size: 14px; margin-top: 10px; overflow-wrap: anywhere; }
.normal { font-size: 19px; margin-top: 6px; }

header { display: grid; grid-template-columns: 1fr 1fr; gap: 24px 40px; align-items: end; }
header .remark, .tiles3 { grid-column: 1 / -1; }
header .remark { margin-top: -14px; }
.hero strong { display: block; font-size: 84px; line-height: 1; letter-spacing: -0.03em;
  font-variant-numeric: tabular-nums; }
.hero small, .tile small { color: var(--soft); font-size: 14px; line-height: 1.4; display: block; }
.hero > span, .tile > span { color: var(--soft); font-size: 14px; }
.tiles3 { display: grid; grid-template-columns: repeat(3, 1fr); gap: 16px; }
.tile { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 14px 16px; }
.tile strong { display: block; font-size: 30px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.gauge { position: relative; height: 6px; margin: 10px 0 8px; border-radius: 3px; background: var(--grid);
  print-color-adjust: exact; }
.gauge i { display: block; height: 100%; border-radius: 3px; background: var(--normal); }
.gauge u { position: absolute; top: -3px; width: 2px; height: 12px; background: var(--ink); }

.plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
figure { margin: 0; min-width: 0; background: var(--card); border: 1px solid var(--edge); border-radius: 12px;
  padding: 16px 18px; break-inside: avoid; }
.keys { display: flex; flex-wrap: wrap; gap: 0 16px; margin: 0 0 6px; font-size: 14px; color: var(--soft); }
.keys .stroke, .keys .dash { display: inline-block; width: 24px; border-top: 2.5px solid currentColor;
  vertical-align: middle; }
.keys .dash { border-top-style: dashed; }
.plots > figure:last-child:nth-child(odd) { grid-column: 1 / -1; }
svg.plot { overflow: visible; display: block; width: 100%; max-width: 560px; margin: 0 auto; height: auto; }
svg.store { position: absolute; width: 0; height: 0; }

.plot text { font: 13px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
.plot .label, .plot .strong { fill: var(--ink); }
.grid { stroke: var(--grid); }
.axis { stroke: var(--soft); }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.line.thin { stroke-width: 1.5; }
.area { fill: currentColor; fill-opacity: 0.22; }
.band { fill: currentColor; fill-opacity: 0.25; }
.bar { fill: currentColor; }
.dashed { stroke: currentColor; stroke-width: 1.5; stroke-dasharray: 6 4; }
.mark { fill: currentColor; stroke: var(--card); stroke-width: 1.5; }
.c-normal, .c-roc { color: var(--normal); } .c-odd { color: var(--odd); } .c-unseen { color: var(--t2); }
.c-pr { color: var(--t1); }
h3.c-odd, .card .c-odd { color: var(--wrong); }
.c-ink { color: var(--ink); } .c-soft { color: var(--soft); }
.c-t1 { color: var(--t1); } .c-t2 { color: var(--t2); } .c-t3 { color: var(--t3); } .c-t4 { color: var(--t4); }

.row { display: grid; grid-template-columns: 100px 1fr; gap: 10px; align-items: center; margin: 6px 0; }
.row span { font-size: 14px; line-height: 1.2; color: var(--soft); }
svg.tiles { display: block; width: 100%; height: auto; }
.frame { fill: none; stroke: var(--edge); stroke-width: 2; }
.scroll { overflow-x: auto; }
.scroll img { display: block; min-width: 760px; width: 100%; max-width: 1258px; border-radius: 6px; }

.cards { display: grid; grid-template-columns: repeat(6, minmax(0, 110px)); gap: 10px; }
.card { min-width: 0; font-size: 13px; line-height: 1.25; overflow-wrap: anywhere; }
.card b, .card small { display: block; }
.card small { color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
svg.case { display: block; width: 100%; height: auto; margin-bottom: 4px; border: 1px solid var(--edge); }
.matrix { max-width: 420px; margin: 8px auto; }
.matrix th { vertical-align: middle; color: var(--soft); }
.matrix td { text-align: center; padding: 14px 8px; border: 3px solid var(--card); border-radius: 10px; }
.matrix td strong { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.matrix td small { font-size: 14px; }
.matrix td, .matrix td + td { color: var(--on); }
.matrix .right { background: var(--normal); } .matrix .wrong { background: var(--wrong); }

details { background: var(--card); border: 1px solid var(--edge); border-radius: 12px; padding: 12px 18px;
  margin-top: 16px; }
summary { cursor: pointer; font-weight: 600; }
table { border-collapse: collapse; font-size: 14px; margin-top: 8px; width: 100%; }
th, td { text-align: left; font-weight: 400; padding: 4px 20px 4px 0; border-top: 1px solid var(--grid);
  vertical-align: top; }
td + td { color: var(--soft); }
.changed th, .changed td:nth-child(2) { font-weight: 700; }
.changed th::before { content: "◆ "; color: var(--odd); }

@media (max-width: 720px) {
  main { padding: 18px 12px 40px; }
  header, .plots { grid-template-columns: minmax(0, 1fr); }
  h1 { font-size: 32px; }
  .hero strong { font-size: 68px; }
  .tiles3 { gap: 8px; }
  .tile { padding: 10px; }
  .tile strong { font-size: 21px; }
  .tile small, .tile > span { font-size: 12px; }
  .tile > span { display: block; min-height: 2.6em; line-height: 1.3; }
  figure { padding: 14px 12px; }
  .plot text { font-size: 14px; }
  .row { grid-template-columns: 1fr; gap: 2px; }
  .cards { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  details td:nth-child(3) { display: none; }
  th, td { padding-right: 10px; overflow-wrap: anywhere; }
}
@media print { details { display: none; } }
)css";

// Ten colours that differ in hue and lightness; lighter on dark ground.
const char* const series_style = R"css(
.s0 { color: #0072b2; } .s1 { color: #d55e00; } .s2 { color: #00815e; } .s3 { color: #a8478c; } .s4 { color: #b07a00; }
.s5 { color: #16191d; } .s6 { color: #6a3fb5; } .s7 { color: #7a8490; } .s8 { color: #8b1a1a; } .s9 { color: #2f9ec4; }
@media (prefers-color-scheme: dark) {
.s0 { color: #56b4e9; } .s1 { color: #f08a3c; } .s2 { color: #2fc79a; } .s3 { color: #e596c8; } .s4 { color: #f0c34a; }
.s5 { color: #e9ecef; } .s6 { color: #b79cf0; } .s7 { color: #9ba6b2; } .s8 { color: #ff8a80; } .s9 { color: #9fe0f5; } }
)css";

}  // namespace snag
