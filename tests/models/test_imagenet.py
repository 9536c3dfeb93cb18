from audit.models.imagenet import imagenet_names, imagenet_wnids


class TestWnids:
    def test_are_the_thousand_in_alphabetical_order(self):
        wnids = imagenet_wnids()
        assert len(wnids) == len(set(wnids)) == 1000
        assert list(wnids) == sorted(wnids)

    def test_known_ones_are_where_they_belong(self):
        wnids, names = imagenet_wnids(), imagenet_names()
        assert (wnids[0], names[0]) == ("n01440764", "tench")
        assert (wnids[281], names[281]) == ("n02123045", "tabby")
        assert (wnids[404], names[404]) == ("n02690373", "airliner")
        assert (wnids[999], names[999]) == ("n15075141", "toilet tissue")
