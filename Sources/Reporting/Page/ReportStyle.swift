/// The report's style sheet: light and dark by the reader's choice, paper in light, one column on a phone.
enum ReportStyle {
    static let text = """
        :root{color-scheme:light dark;--page:#f7f7f5;--card:#fff;--ink:#1c2128;--quiet:#59626d;--rule:#dcdfe3;
        --a:#0a62c4;--b:#b8480b;--c:#0c7268;--bad:#b3261e;--good:#1c7a3d}
        @media(prefers-color-scheme:dark){:root{--page:#13161b;--card:#1b1f26;--ink:#e7e9ec;--quiet:#a0a9b4;--rule:#363d48;
        --a:#74b5ff;--b:#ffa366;--c:#58d3c6;--bad:#ff8b82;--good:#6fd08c}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;
        overflow-wrap:break-word;font-variant-numeric:tabular-nums}
        main,header,footer{max-width:68rem;margin:0 auto;padding:0 1rem}
        header{padding-top:1.5rem}
        h1{font-size:1.5rem;line-height:1.25;margin:0}
        h2{font-size:1.15rem;margin:2.2rem 0 .3rem}
        p{margin:.4rem 0;max-width:46rem}
        .quiet,footer,caption,.keys,dt{color:var(--quiet)}
        .state{display:inline-block;border:1.5px solid currentColor;border-radius:1rem;padding:0 .65rem;font-size:.85rem;
        font-weight:600;color:var(--quiet);vertical-align:.15rem;margin-left:.5rem}
        .state.running,.state.finished{color:var(--good)}
        .state.paused,.state.idle{color:var(--b)}
        .state.stopped{color:var(--bad)}
        .wait{border-left:4px solid var(--b);padding:.1rem .8rem;margin:1rem 0}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.2rem,1fr));gap:.7rem;margin:1.2rem 0 0;padding:0}
        .tiles div{background:var(--card);border:1px solid var(--rule);border-radius:.6rem;padding:.55rem .8rem;
        display:flex;flex-direction:column}
        dt{font-size:.82rem}
        dd{margin:0;font-size:1.2rem;font-weight:600;line-height:1.3}
        dd small{display:block;font-size:.82rem;font-weight:400;color:var(--quiet)}
        .plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem;margin:.8rem 0}
        figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:.6rem;padding:.8rem;min-width:0;
        break-inside:avoid}
        figcaption{font-weight:600;margin-bottom:.3rem}
        svg{display:block;width:100%;height:auto;max-width:36rem;margin:0 auto}
        .keys{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem 1.1rem;margin:.4rem 0 0;padding:0;font-size:.85rem}
        .keys li{display:flex;align-items:center;gap:.4rem}
        svg.key{width:1.7rem;height:.7rem;margin:0;flex:none}
        details{margin-top:.5rem;font-size:.9rem}
        summary{cursor:pointer;color:var(--a)}
        .scroll{overflow-x:auto;margin:.5rem 0}
        :focus-visible{outline:2px solid var(--a);outline-offset:2px}
        table{border-collapse:collapse;font-size:.9rem;background:var(--card);min-width:min(100%,20rem)}
        caption{text-align:left;font-size:.85rem;padding:.2rem 0}
        th,td{text-align:left;padding:.22rem .7rem;border-bottom:1px solid var(--rule);vertical-align:top;white-space:nowrap}
        th{font-weight:600}tbody th{font-weight:400}
        .number{text-align:right}
        .facts{width:100%}.facts th,.facts td{white-space:normal;overflow-wrap:anywhere}.facts th{width:34%;color:var(--quiet)}
        .facts caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        footer{margin:2.5rem auto 2rem;font-size:.85rem}
        text{fill:var(--quiet);font:12px system-ui,sans-serif}
        text.label{fill:var(--ink)}
        .grid{stroke:var(--rule);stroke-width:.8}.axis{stroke:var(--quiet)}
        .mark{stroke:var(--ink);stroke-dasharray:6 3;stroke-width:1.8;fill:none}
        .level{stroke:var(--quiet);stroke-dasharray:2 3;stroke-width:1.3}
        .line-a,.line-b,.line-c{fill:none;stroke-width:2;stroke-linejoin:round}
        .line-a{stroke:var(--a)}.line-b{stroke:var(--b);stroke-dasharray:7 3}.line-c{stroke:var(--c);stroke-dasharray:2 2}
        .band{stroke:none;opacity:.18}.band.line-a{fill:var(--a)}.band.line-b{fill:var(--b)}
        .dot{stroke:none}.dot.line-a{fill:var(--a)}.dot.line-b{fill:var(--b)}.dot.line-c{fill:var(--c)}
        .hollow{fill:var(--card);stroke:var(--a);stroke-width:1.6}.stem{stroke:var(--a);stroke-width:1.4;opacity:.6}
        .fill-a{fill:var(--a)}.fill-b{fill:var(--b)}.fill-c{fill:var(--c)}.fill-q{fill:var(--quiet);opacity:.5}
        .frame{fill:none;stroke:var(--quiet);stroke-width:1.4}
        .cross{stroke:var(--bad);stroke-width:2.2;fill:none}
        @media(forced-colors:active){.line-a,.line-b,.line-c,.stem,.cross{stroke:CanvasText}.fill-a,.fill-b,.fill-c{fill:CanvasText}}
        @media print{:root{--page:#fff;--card:#fff;--ink:#000;--quiet:#444;--rule:#ccc;--a:#0a62c4;--b:#b8480b;--c:#0c7268;
        --bad:#b3261e;--good:#1c7a3d;color-scheme:light}
        body{font-size:10.5pt}.plots{grid-template-columns:1fr 1fr}.scroll{overflow:visible}h2,h2+.quiet{break-after:avoid}
        tr{break-inside:avoid}summary,figure .long{display:none}
        figure table{font-size:8pt;min-width:0}figure th,figure td{padding:.1rem .3rem;white-space:normal}
        details::details-content{content-visibility:visible;block-size:auto}}
        """
}
