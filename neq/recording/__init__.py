"""A training that somebody runs in a script of their own, recorded: `neq.init`, `neq.Run`, and sending it later.

    run = neq.init("my vit", config=vars(args))
    watch = run.watch(model, optimizer, probe)
    for epoch in range(epochs):
        train_one_epoch(model, optimizer)
        watch.end_epoch(loss=loss)
    run.finish()

The training's thread hands facts to a bounded queue; `Recorder` makes parts of them, each on disk (`Spool`) before it
is sent (`Sender`). The parts' format: docs/run-file.md.
"""
