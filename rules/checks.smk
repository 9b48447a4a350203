# What is looked at before the first job, and what is said after the last.


def refuse_bad_data_root():
    """Raise before the first job if the images can't be where the settings say."""
    from nago.data.datasets import check_source

    keys = ("source", "data_root", "split", "download")
    try:
        for dataset in COMPARISON.datasets:
            values = COMPARISON.of_dataset(dataset).values
            check_source(*(values[key] for key in keys))
    except UserError as error:
        raise WorkflowError(str(error))


def refuse_over_cap():
    """Raise before the first job if the searches would take more GPU-hours than they may."""
    if SHARED["max_gpu_hours"] is None:
        return
    # Imported only where there is a cap: it loads numpy, pandas and scipy.
    from nago.forecast.cap import check_cap

    try:
        check_cap(COMPARISON, Path(workflow.basedir).parent)
    except UserError as error:
        raise WorkflowError(str(error))


def refuse_bad_initial():
    """Raise before anything is planned if a search can't begin with the table it is given."""
    from nago.search.initial import read_initial

    for search in COMPARISON.all:
        made = {
            f"{other.folder}/trials.csv"
            for other in COMPARISON.all
            if other is not search
        }
        if search.initial is None or search.initial in made:
            continue
        try:
            read_initial(
                Path(search.initial),
                ranges=search.settings.ranges,
                objectives=search.values["objectives"],
                dataset=search.dataset,
                budget=search.values["mobo_budget"],
                points=search.values["initial_points"],
            )
        except UserError as error:
            raise WorkflowError(str(error))


def refuse_bad_warm_start():
    """Raise before anything is planned if a search can't learn from the tables it is given."""
    from nago.search.warm import read_warm_start

    made = {f"{search.folder}/trials.csv" for search in COMPARISON.all}
    for search in COMPARISON.all:
        given = [Path(path) for path in search.warm_start if path not in made]
        if not given:
            continue
        try:
            read_warm_start(
                given,
                ranges=search.settings.ranges,
                objectives=search.values["objectives"],
                budgets=search.settings.budgets,
            )
        except UserError as error:
            raise WorkflowError(str(error))


def refuse_bad_limits():
    """Raise before the first job if nothing that a search draws keeps its limits."""
    limited = [search for search in COMPARISON.all if search.settings.limits]
    if not limited:
        return
    from nago.exact import refuse_unmet_limits

    for search in limited:
        settings = search.settings
        try:
            refuse_unmet_limits(
                settings.search_protocol,
                settings.ranges,
                settings.limits,
                seed=settings.values["seed"],
                data=Path(f"data/{search.dataset}"),
                image_size=settings.values["image_size"],
                channels=settings.values["image_channels"],
            )
        except UserError as error:
            raise WorkflowError(f"{search.search}: {error}")


def tell_results():
    """Print where the results are, and the most important of them."""
    from nago.status import describe_result, describe_results

    describe = describe_results if len(COMPARISON.all) == 1 else describe_result
    for search in COMPARISON.all:
        try:
            logger.info(describe(Path(search.folder)))
        except RecordError:
            pass  # only a part of the files was asked for
    page = Path(COMPARED) / "report/index.html"
    if page.exists():
        logger.info(f"Report: {page} (open it in a browser)")
