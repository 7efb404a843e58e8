"""Figures, from tables only."""


rule plot_figure_2:
    """The paper's Figure 2: accuracy before and after the saccade and the Pointing Game, per method and network."""
    input:
        summary="results/{dataset}/summary.csv",
        paper=shown(ROOT / "resources" / "paper.csv"),
        code=sources("plot_figure_2.py"),
        env=environment("figures"),
    output:
        figures=[
            report(
                f"results/{{dataset}}/figures/figure_2_{{view}}.{format}",
                category="Figure 2",
                labels={"dataset": "{dataset}", "view": "{view}", "format": format},
                caption="../workflow/report/figure_2.rst",
            )
            for format in FIGURE_FORMATS
        ],
    log:
        "logs/plot_figure_2/{dataset}/{view}.log",
    conda:
        "../envs/figures.yaml"
    params:
        view="{view}",
        # The paper's values belong to ImageNet's classes, the default ones.
        beside_paper=lambda wc: settings.datasets[wc.dataset].classes is None
        and settings.datasets[wc.dataset].scenes is None,
    message:
        "Plotting Figure 2 of {wildcards.dataset} through {wildcards.view}"
    script:
        "../workflow/scripts/plot_figure_2.py"
